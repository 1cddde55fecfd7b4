// Queues against the streams that they are of: from what was acknowledged or consumed up to the
// head, without a hole, each envelope following from the one before it.
#include "actors/upkeep/fsck_checker.hpp"

namespace kith::upkeep {

using store::entry;
using store::table;

void checker::begin_queue(std::uint8_t kind, const stream_key& s) {
  if (queue_.kind == kind && queue_.stream == s) return;
  end_queue();
  queue_ = {kind, s, 0, {}, {}};
}

namespace {

// The head that a queue goes up to. What comes from this node has its own at the sender.
const std::optional<stream_head>& head_of(std::uint8_t kind, const stream_sides& s) {
  return kind == 'o' || s.announced ? s.out.head : s.in.head;
}

} // namespace

void checker::check_end(std::uint8_t kind, const stream_key& s, sequence last, const entry& at) {
  const auto& sides = streams_[s];
  const auto& side = kind == 'o' ? sides.out : sides.in;
  const auto& head = head_of(kind, sides);
  if (!side.from || !head || head->next == 0) return;
  const auto newest = head->next - 1;
  const auto held = std::max(last, *side.from);
  if (held < newest)
    found(at, "gap",
          "positions " + std::to_string(held + 1) + " to " + std::to_string(newest) +
              " are missing at the end of a queue");
  else if (last > newest)
    found(at, "bad_positions",
          "position " + std::to_string(last) + " is queued, and the stream's next is " +
              std::to_string(head->next));
  else if (last == newest && last != 0 && queue_.last_digest != head->last)
    found(at, "broken_chain", "the last envelope of a queue is not the one of the stream's head");
}

void checker::end_queue() {
  if (queue_.kind == 0) return;
  check_end(queue_.kind, queue_.stream, queue_.last, {queue_.last_key, {}});
  read_.emplace(queue_.kind, queue_.stream);
  queue_.kind = 0;
}

void checker::check_empty_queues() {
  for (const auto& [key, sides] : streams_) {
    // To an agent here an envelope goes straight into the recipient's queue.
    if (!sides.announced && !read_.contains({'o', key}))
      check_end('o', key, 0, {keys::outbox(key, 0), {}});
    if (!read_.contains({'i', key})) check_end('i', key, 0, {keys::inbox(key, 0), {}});
  }
}

void checker::stream_entry(const entry& e, const kith::envelope& read) {
  const auto kind = e.key[0];
  const auto seq = keys::queue_seq(e.key);
  const auto digest = read.hash();
  if (read.seq() != seq)
    found(e, "misplaced_record",
          "the envelope of position " + std::to_string(read.seq()) + " lies under " +
              std::to_string(seq));
  const auto& sides = streams_[queue_.stream];
  const auto from = (kind == 'o' ? sides.out : sides.in).from.value_or(0);
  // What is acknowledged or consumed may be there still, or not.
  const auto before = std::max(queue_.last, from);
  if (seq > from && seq != before + 1)
    found(e, "gap",
          "positions " + std::to_string(before + 1) + " to " + std::to_string(seq - 1) +
              " are missing in a queue");
  else if (queue_.last != 0 && seq == queue_.last + 1 && read.previous() != queue_.last_digest)
    found(e, "broken_chain", "an envelope does not follow from the one before it");
  queue_.last = seq;
  queue_.last_digest = digest;
  queue_.last_key = e.key;
}

void checker::pending_entry(const entry& e) {
  const auto state = pending_.find(id_at(e.key, 1));
  const auto position = keys::queue_seq(e.key);
  if (state == pending_.end())
    found(e, "orphan", "mail of a mailbox that the store does not know");
  else if (position >= state->second.next)
    found(e, "bad_positions",
          "mail at position " + std::to_string(position) + ", and the next is " +
              std::to_string(state->second.next));
}

void checker::queue(const entry& e) {
  constexpr std::size_t plain = one_key + 8;
  if (e.key.empty()) return found(e, "bad_key", "a record has an empty key");
  const auto kind = e.key[0];
  if (kind != 'o' && kind != 'i' && kind != 'w')
    return found(e, "unknown_kind", "no record of Kith's begins with this byte");
  if (!shaped(e, plain, kind == 'i' ? plain + 8 : plain, "an envelope")) return;
  if (e.key.size() != plain && e.key.size() != plain + 8)
    return found(e, "bad_key", "the key of an envelope ends within its expiry");
  if (kind != 'w') begin_queue(kind, id_at(e.key, 1));
  auto read = kith::envelope::parse(slice::copy_of(e.value));
  if (!read) {
    queue_.last = keys::queue_seq(e.key);
    queue_.last_digest = {};
    return found(e, "bad_record", "an envelope does not parse: " + read.error().context);
  }
  if (kind == 'w') return pending_entry(e);
  const auto sides = streams_.find(queue_.stream);
  if (sides == streams_.end() || !(kind == 'o' ? sides->second.out : sides->second.in).from)
    return found(e, "orphan", "an envelope of a stream that the store does not know");
  stream_entry(e, *read);
}

} // namespace kith::upkeep
