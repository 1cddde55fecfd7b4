#include "actors/mailbox/inbox.hpp"

#include <algorithm>

namespace kith {

in_stream& inbox::make(const stream_id& id, bool local) {
  auto s = std::make_unique<in_stream>();
  s->id = id;
  s->key = id.key();
  s->local = local;
  auto& ref = *s;
  streams_.emplace(id, std::move(s));
  return ref;
}

in_stream* inbox::find(const stream_id& id) {
  auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : it->second.get();
}

in_stream& inbox::restore(stream_id id, bool local, const records::stream_in* record,
                          sequence known, bool unclean, const records::attempt_mark& mark) {
  auto* s = find(id);
  if (s == nullptr) s = &make(id, local);
  if (record != nullptr) {
    s->head = record->head;
    s->consumed =
        record->consumed; // `trimmed` is not stored: the first trimming begins at the start
    s->quarantine = record->quarantined ? record->quarantine_reason : std::string();
  }
  s->known = std::max({s->known, known, s->consumed});
  any_behind_ = true;
  if (unclean) {
    s->recovered = s->known;
    s->journal_first = local ? 0 : limits_.stream_count_max;
    s->mark = mark;
    if (mark.count > 0) s->single_upto = mark.to;
  }
  return *s;
}

bool inbox::has_room(const in_stream& s, std::size_t size) const {
  if (s.pending.empty()) return true; // an empty stream always has room for one
  return s.pending.size() < limits_.stream_count_max &&
         s.pending_bytes + size <= limits_.stream_bytes_max && count_ < limits_.count_max &&
         bytes_ + size <= limits_.bytes_max;
}

void inbox::push(in_stream& s, waiting_envelope w) {
  auto size = w.envelope->size();
  s.pending_bytes += size;
  bytes_ += size;
  ++count_;
  s.pending.push_back(std::move(w));
  requeue(s);
}

void inbox::load(in_stream& s, const std::vector<store::entry>& found) {
  for (const auto& e : found) {
    auto expected = s.consumed + s.pending.size() + 1;
    if (keys::queue_seq(e.key) < expected) continue;
    if (keys::queue_seq(e.key) > expected || !has_room(s, e.value.size())) return;
    auto parsed = envelope::parse(e.value);
    if (!parsed)
      return; // the store's checksums make this a defect or bit rot; the stream stays behind and
              // says so
    push(s, {verifier::stored(std::move(*parsed), {}), keys::queue_expires(e.key), 1});
    // A local sender's commit may be on disk before its word of it is heard, which is old then.
    s.known = std::max(s.known, expected);
  }
}

in_stream* inbox::open(const stream_id& id, bool unclean) {
  if (auto* s = find(id)) return s;
  if (streams_.size() >= limits_.streams_max) return nullptr;
  auto& s = make(id, false);
  s.journal_first = unclean ? limits_.stream_count_max : 0;
  return &s;
}

void inbox::skip(in_stream& s, const stream_head& to) {
  s.head = to;
  s.consumed = s.known = to.next - 1;
  touch(s);
}

void inbox::quarantine(in_stream& s, std::string why) {
  s.quarantine = std::move(why);
  touch(s);
}

inbox::verdict inbox::accept(const stream_id& id, verified_envelope e, wall_ms expires,
                             std::uint64_t peer, bool unclean) {
  auto* s = open(id, unclean);
  if (s == nullptr) return verdict::too_many_streams;
  s->peer = peer;
  if (!s->quarantine.empty()) return verdict::quarantined;
  auto seq = e->seq();
  if (seq < s->head.next) {
    if (seq + 1 == s->head.next && e.hash() != s->head.last) return verdict::fork;
    return verdict::duplicate;
  }
  if (seq > s->head.next) return verdict::gap;
  if (e->previous() != s->head.last) return verdict::fork;

  s->head = {seq + 1, e.hash()};
  touch(*s);
  if (s->behind() || !has_room(*s, e->size())) {
    spilled_.emplace_back(keys::inbox(s->key, seq, expires), e->raw());
    s->known = seq;
    any_behind_ = true;
    return verdict::accepted;
  }
  s->known = seq;
  push(*s, {std::move(e), expires, 0});
  return verdict::accepted;
}

in_stream* inbox::local(const stream_id& id, verified_envelope e, wall_ms expires) {
  auto* s = find(id);
  if (s == nullptr) {
    if (streams_.size() >= limits_.streams_max) return nullptr;
    s = &make(id, true);
  }
  auto seq = e->seq();
  if (seq <= s->known) return s; // a scan of the queue was quicker
  bool next = seq == s->known + 1 && !s->behind() && has_room(*s, e->size());
  s->known = seq;
  if (next)
    push(*s, {std::move(e), expires, 1});
  else
    any_behind_ = true;
  return s;
}

void inbox::requeue(in_stream& s) {
  if (s.in_ring || s.pending.empty() || s.not_before != time_point{}) return;
  s.in_ring = true;
  ring_.push_back(&s);
}

void inbox::defer(in_stream& s, time_point when) {
  s.not_before = when;
  deferred_.emplace(when, &s);
}

std::optional<time_point> inbox::next_deferred() const {
  if (deferred_.empty()) return std::nullopt;
  return deferred_.begin()->first;
}

in_stream* inbox::next_ready(time_point now) {
  while (!deferred_.empty() && deferred_.begin()->first <= now) {
    auto* s = deferred_.begin()->second;
    deferred_.erase(deferred_.begin());
    s->not_before = {};
    requeue(*s);
  }
  while (!ring_.empty()) {
    auto* s = ring_.front();
    ring_.pop_front();
    s->in_ring = false;
    if (!s->pending.empty() && s->not_before == time_point{}) return s;
  }
  return nullptr;
}

void inbox::consume(in_stream& s) {
  auto size = s.pending.front().envelope->size();
  s.pending_bytes -= size;
  bytes_ -= size;
  --count_;
  ++s.consumed;
  s.attempts = 0;
  // What never reached the queue needs no trimming, if nothing before it does.
  if (s.pending.front().stored_by == 0 && s.trimmed + 1 == s.consumed) s.trimmed = s.consumed;
  if (s.journal_first > 0) --s.journal_first;
  s.pending.pop_front();
  touch(s);
}

void inbox::touch(in_stream& s) {
  if (s.dirty) return;
  s.dirty = true;
  dirty_.push_back(&s);
}

void inbox::settle(store::write_batch& batch, std::uint64_t step) {
  for (auto& [key, value] : spilled_) batch.put(store::table::queue, key, value);
  spilled_.clear();
  for (auto* s : dirty_) {
    s->dirty = false;
    for (auto it = s->pending.rbegin(); it != s->pending.rend() && it->stored_by == 0; ++it) {
      batch.put(store::table::queue, keys::inbox(s->key, it->envelope->seq(), it->expires),
                it->envelope->raw());
      it->stored_by = step;
    }
    trim(*s, batch);
    if (s->local) {
      if (!s->flow) s->flow = flow_(s->key);
      if (s->consumed > s->flow->consumed) s->flow->consumed = s->consumed; // we alone write it
    }
    records::stream_in r{s->id, s->head, s->consumed, !s->quarantine.empty(), s->quarantine};
    batch.put(store::table::state, keys::in_stream(self_, s->key), records::encode(r));
  }
  dirty_.clear();
}

void inbox::trim(in_stream& s, store::write_batch& batch) {
  // One range delete for many positions: single deletes would be scanned over, and so would many
  // ranges.
  static constexpr sequence trim_count = 256;
  if (s.consumed < s.trimmed + (s.pending.empty() && !s.behind() ? 1 : trim_count)) return;
  batch.erase_range(store::table::queue, keys::inbox(s.key, s.trimmed + 1),
                    keys::inbox(s.key, s.consumed + 1));
  s.trimmed = s.consumed;
}

inbox::credit inbox::credit_of(const in_stream& s) const {
  if (!s.quarantine.empty()) return {s.head.next - 1, 0};
  auto waiting = s.known - s.consumed;
  std::size_t stream_room =
      limits_.stream_count_max - std::min<std::size_t>(waiting, limits_.stream_count_max);
  std::size_t room = limits_.count_max - std::min(count_, limits_.count_max);
  std::size_t stream_bytes =
      limits_.stream_bytes_max - std::min(s.pending_bytes, limits_.stream_bytes_max);
  std::size_t all_bytes = limits_.bytes_max - std::min(bytes_, limits_.bytes_max);
  auto count = s.behind() ? 0 : std::min(stream_room, room);
  if (waiting == 0) count = std::max<std::size_t>(count, 1);
  return {s.head.next - 1 + count, std::min(stream_bytes, all_bytes)};
}

bool inbox::credit_stale(const in_stream& s) const {
  if (s.local || s.peer == 0) return false;
  auto could = credit_of(s).seq;
  auto left = s.credit_told > s.head.next - 1 ? s.credit_told - (s.head.next - 1) : 0;
  return could > s.credit_told && left < limits_.stream_count_max / 2 &&
         could - s.credit_told >= left;
}

wall_ms inbox::oldest() const {
  static constexpr std::size_t looked_at_max = 16; // of streams: this is done for each step
  wall_ms found = 0;
  if (count_ == 0) return found;
  const auto look = [&](const in_stream& s) {
    if (s.pending.empty()) return;
    const auto made = s.pending.front().envelope->created();
    if (found == 0 || made < found) found = made;
  };
  if (streams_.size() <= looked_at_max) {
    for (const auto& [id, s] : streams_) look(*s);
    return found;
  }
  for (std::size_t i = 0; i < std::min(ring_.size(), looked_at_max); ++i) look(*ring_[i]);
  if (!deferred_.empty()) look(*deferred_.begin()->second);
  return found;
}

std::vector<in_stream*> inbox::loadable() {
  std::vector<in_stream*> out;
  if (!std::exchange(any_behind_, false)) return out;
  for (auto& [id, s] : streams_) {
    any_behind_ = any_behind_ || s->behind();
    bool room = s->pending.size() < limits_.stream_count_max / 2 &&
                s->pending_bytes < limits_.stream_bytes_max / 2 && count_ < limits_.count_max &&
                bytes_ < limits_.bytes_max;
    if (s->behind() && (s->pending.empty() || room)) out.push_back(s.get());
  }
  return out;
}

} // namespace kith
