// Three passes over the tables: state first, which says what there may be in the queues and how far
// it must go; then the queues; then the ledger. Bounded by what decoders allow, and by maps of what
// state has.
#include "actors/upkeep/fsck.hpp"

#include "actors/mailbox/keys.hpp"
#include "runtime/schedule/timer_record.hpp"
#include "runtime/store/each.hpp"
#include "runtime/stream/chain.hpp"
#include "runtime/stream/handler_records.hpp"

#include <kith/durable.hpp>
#include <kith/json.hpp>
#include <set>

namespace kith::upkeep {

namespace {

using store::entry;
using store::table;

constexpr std::size_t id_size = 16;          // of agents, streams, messages, origins
constexpr std::size_t one_key = 1 + id_size; // kind and one of these
constexpr std::size_t two_keys = 1 + 2 * id_size;

std::string_view name_of(table t) {
  return t == table::state ? "state" : t == table::queue ? "queue" : "ledger";
}

byte_array<16> id_at(byte_view key, std::size_t offset) {
  byte_array<16> out{};
  if (key.size() >= offset + out.size())
    std::copy_n(key.begin() + std::ptrdiff_t(offset), 16, out.begin());
  return out;
}

// Where a stream's queue must begin and end: all of (from, head.next) is there.
struct extent {
  std::optional<sequence> from; // acked or consumed; nothing: this side has no record
  std::optional<stream_head> head;
};
struct stream_sides {
  extent out, in;
  bool announced = false; // by a sender of this node
};

class checker {
public:
  explicit checker(store::backend& disk) : disk_(disk) {}
  result<fsck_report> run();

private:
  using visit = void (checker::*)(const entry&);
  void state(const entry& e);
  void queue(const entry& e);
  void ledger(const entry& e);

  void agent(const entry& e);
  void cell(const entry& e);
  void out_stream(const entry& e);
  void in_stream(const entry& e, bool local);
  void ask(const entry& e);
  void timer(const entry& e);
  void lost(const entry& e);
  void handler(const entry& e);
  void journal(const entry& e);
  void small(const entry& e);
  void begin_queue(std::uint8_t kind, const stream_key& s);
  void end_queue();
  // What must be there behind `last`, of a queue that was read or has no entries at all.
  void check_end(std::uint8_t kind, const stream_key& s, sequence last, const entry& at);
  void check_empty_queues();
  void stream_entry(const entry& e, const kith::envelope& found);
  void pending_entry(const entry& e);

  void found(const entry& e, std::string code, std::string what);
  bool shaped(const entry& e, std::size_t least, std::size_t most, const char* what);
  // Decodes; a finding if it does not.
  template <class Record> std::optional<Record> decoded(const entry& e);
  void placed(const entry& e, byte_view own, const char* what);
  void needs_agent(const entry& e, const char* what);

  store::backend& disk_;
  fsck_report report_;
  table in_ = table::state;
  std::set<byte_array<16>> agents_;
  std::set<std::pair<byte_array<16>, byte_array<16>>> handlers_;
  std::map<stream_key, stream_sides> streams_;
  std::set<std::pair<std::uint8_t, stream_key>> read_; // queues that have entries
  std::map<byte_array<16>, records::pending_state> pending_;
  // The journal, and the queue, that is being read.
  bytes journal_;
  std::uint32_t segment_ = 0;
  struct {
    std::uint8_t kind = 0; // 0: none
    stream_key stream{};
    sequence last = 0; // read so far; 0: nothing
    digest last_digest{};
    bytes last_key;
  } queue_;
};

void checker::found(const entry& e, std::string code, std::string what) {
  ++report_.count;
  if (report_.findings.size() >= fsck_report::findings_max) return;
  std::string key;
  if (!e.key.empty())
    key = std::string(1, char(e.key[0])) + ":" + to_hex(byte_view(e.key).subspan(1));
  report_.findings.push_back({std::string(name_of(in_)), key, std::move(code), std::move(what)});
}

bool checker::shaped(const entry& e, std::size_t least, std::size_t most, const char* what) {
  if (e.key.size() >= least && e.key.size() <= most) return true;
  found(e, "bad_key",
        std::string("the key of ") + what + " has " + std::to_string(e.key.size()) + " bytes");
  return false;
}

template <class Record> std::optional<Record> checker::decoded(const entry& e) {
  auto r = records::decode<Record>(e.value);
  if (r) return std::move(*r);
  found(e, r.error().code, r.error().context);
  return std::nullopt;
}

void checker::placed(const entry& e, byte_view own, const char* what) {
  if (auto ok = keys::check_place(e.key, own, what); !ok)
    found(e, ok.error().code, ok.error().context);
}

void checker::needs_agent(const entry& e, const char* what) {
  if (!agents_.contains(id_at(e.key, 1)))
    found(e, "orphan", std::string(what) + " of an agent that the store does not know");
}

void checker::agent(const entry& e) {
  if (!shaped(e, one_key, one_key, "an agent")) return;
  if (auto r = decoded<records::agent_record>(e))
    placed(e, keys::agent(keys::of(r->agent)), "an agent");
}

void checker::cell(const entry& e) {
  if (!shaped(e, one_key + 1, one_key + detail::cell::name_size_max, "a durable")) return;
  const auto stored = as_text(e.value);
  if (stored.size() < detail::cell::header_size || std::uint8_t(stored[0]) == 0)
    return found(e, "bad_record", "a durable is shorter than its header");
  if (std::uint8_t(stored[0]) > detail::cell::format)
    return found(e, "record_version", "a durable was written by a newer Kith");
  if (auto value = json::parse(stored.substr(detail::cell::header_size)); !value)
    found(e, "bad_record", "a durable is not JSON: " + value.error().context);
  needs_agent(e, "a durable");
}

void checker::out_stream(const entry& e) {
  if (!shaped(e, two_keys, two_keys, "a stream")) return;
  const auto r = decoded<records::stream_out>(e);
  if (!r) return;
  placed(e, keys::out_stream(keys::of(r->stream.from), r->stream.key()), "a stream");
  if (r->head.next == 0 || r->acked >= r->head.next || r->trimmed_to >= r->head.next)
    found(e, "bad_positions",
          "a stream's next position is " + std::to_string(r->head.next) + ", acknowledged is " +
              std::to_string(r->acked) + ", trimmed " + std::to_string(r->trimmed_to));
  streams_[r->stream.key()].out = {r->acked, r->head};
  needs_agent(e, "a stream");
}

void checker::in_stream(const entry& e, bool local) {
  if (!shaped(e, two_keys, two_keys, "a stream")) return;
  const auto r = decoded<records::stream_in>(e);
  if (!r) return;
  const auto to = keys::of(r->stream.to);
  auto& s = streams_[r->stream.key()];
  if (local) {
    placed(e, keys::local_stream(to, r->stream.key()), "a local stream");
    s.announced = true;
    if (!s.in.from) s.in.from = 0; // nothing was consumed, unless its own record says so
  } else {
    placed(e, keys::in_stream(to, r->stream.key()), "a stream");
    s.in = {r->consumed, r->head};
  }
  needs_agent(e, "a stream");
}

void checker::ask(const entry& e) {
  if (!shaped(e, two_keys, two_keys, "an ask")) return;
  if (auto r = decoded<records::ask_record>(e))
    placed(e, keys::ask(id_at(e.key, 1), r->request), "an ask");
  needs_agent(e, "an ask");
}

void checker::timer(const entry& e) {
  if (!shaped(e, one_key + 1, one_key + records::timer_record::id_size_max, "a timer")) return;
  if (auto r = records::decode_timer(e.value))
    placed(e, keys::timer(id_at(e.key, 1), r->id), "a timer");
  else
    found(e, r.error().code, r.error().context);
  needs_agent(e, "a timer");
}

void checker::lost(const entry& e) {
  if (!shaped(e, two_keys + 8, two_keys + 8, "a lost range")) return;
  const auto r = decoded<records::lost_range>(e);
  if (!r) return;
  placed(e, keys::lost(keys::of(r->stream.to), r->stream.key(), r->from), "a lost range");
  if (r->from == 0 || r->to < r->from) found(e, "bad_positions", "a lost range has no positions");
}

void checker::handler(const entry& e) {
  if (!shaped(e, two_keys, two_keys, "a handler")) return;
  handlers_.emplace(id_at(e.key, 1), id_at(e.key, one_key));
  if (auto r = decoded<records::handler_start>(e))
    placed(e, keys::handler(id_at(e.key, 1), r->origin), "a handler");
  needs_agent(e, "a handler");
}

// Handlers come before journals, by their letters.
void checker::journal(const entry& e) {
  if (!shaped(e, two_keys + 4, two_keys + 4, "a segment")) return;
  (void)decoded<records::segment>(e);
  if (!handlers_.contains({id_at(e.key, 1), id_at(e.key, one_key)}))
    found(e, "orphan", "a segment of a handler that the store does not know");
  const auto whose = keys::prefix(e.key, two_keys);
  if (whose != std::exchange(journal_, whose)) segment_ = 0;
  const auto number = get_u32(e.key.data() + two_keys);
  if (number != segment_)
    found(e, "gap",
          "a handler's journal has segment " + std::to_string(number) + " where " +
              std::to_string(segment_) + " should be");
  segment_ = number + 1;
}

void checker::small(const entry& e) {
  switch (e.key[0]) {
  case 'n':
    if (shaped(e, 1, 1, "the node")) (void)decoded<records::node_record>(e);
    return;
  case 'm':
    if (shaped(e, two_keys, two_keys, "an attempt mark")) (void)decoded<records::attempt_mark>(e);
    return;
  case 'p':
    if (!shaped(e, one_key, one_key, "a peer")) return;
    if (auto r = decoded<records::peer_record>(e))
      placed(e, keys::peer(keys::of(r->node)), "a peer");
    return;
  case 'w':
    if (!shaped(e, one_key, one_key, "mail")) return;
    if (auto r = decoded<records::pending_state>(e)) {
      pending_[id_at(e.key, 1)] = *r;
      if (r->acked >= r->next) found(e, "bad_positions", "more mail is taken than came");
    }
    return;
  case 'h':
    if (shaped(e, one_key, one_key, "a key history") && e.value.empty())
      found(e, "bad_record", "a key history is empty");
    return;
  default: found(e, "unknown_kind", "no record of Kith's begins with this byte");
  }
}

void checker::state(const entry& e) {
  if (e.key.empty()) return found(e, "bad_key", "a record has an empty key");
  switch (e.key[0]) {
  case 'a': return agent(e);
  case 'c': return cell(e);
  case 'o': return out_stream(e);
  case 'i': return in_stream(e, false);
  case 'x': return in_stream(e, true);
  case 'k': return ask(e);
  case 't': return timer(e);
  case 'l': return lost(e);
  case 'e': return handler(e);
  case 'j': return journal(e);
  default: return small(e);
  }
}

// ---- queues

void checker::begin_queue(std::uint8_t kind, const stream_key& s) {
  if (queue_.kind == kind && queue_.stream == s) return;
  end_queue();
  queue_ = {kind, s, 0, {}, {}};
}

// The head that a queue goes up to. What comes from this node has its own at the sender.
const std::optional<stream_head>& head_of(std::uint8_t kind, const stream_sides& s) {
  return kind == 'o' || s.announced ? s.out.head : s.in.head;
}

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

// ---- the ledger

void checker::ledger(const entry& e) {
  if (e.key.empty() || (e.key[0] != 's' && e.key[0] != 'r' && e.key[0] != 'd'))
    return found(e, "unknown_kind", "no record of Kith's begins with this byte");
  if (!shaped(e, one_key, one_key, "a ledger entry")) return;
  if (e.key[0] == 'd') {
    if (auto r = decoded<records::dead_letter>(e)) placed(e, keys::dead(r->id), "a dead letter");
    return;
  }
  if (auto r = decoded<records::ledger_entry>(e))
    placed(e, e.key[0] == 's' ? keys::sent(r->id) : keys::received(r->id), "a message");
}

result<fsck_report> checker::run() {
  // Agents first: all else is somebody's.
  KITH_TRY(store::each(disk_, table::state, keys::agents_begin(),
                       keys::end_of(keys::agents_begin()), [&](const entry& e) -> result<void> {
                         agents_.insert(id_at(e.key, 1));
                         return {};
                       }));
  static constexpr std::pair<table, visit> passes[] = {{table::state, &checker::state},
                                                       {table::queue, &checker::queue},
                                                       {table::ledger, &checker::ledger}};
  for (const auto& [in, look] : passes) {
    in_ = in;
    const auto visited = [&, look = look](const entry& e) -> result<void> {
      if (!e.key.empty()) ++report_.records[std::string(name_of(in_)) + "." + char(e.key[0])];
      (this->*look)(e);
      return {};
    };
    KITH_TRY(store::each(disk_, in, {}, bytes(64, 0xff), visited));
    if (in != table::queue) continue;
    end_queue();
    check_empty_queues();
  }
  return std::move(report_);
}

} // namespace

result<fsck_report> fsck(store::backend& disk) { return checker(disk).run(); }

} // namespace kith::upkeep
