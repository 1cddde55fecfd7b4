// Three passes over the tables: state first, which says what there may be in the queues and how far
// it must go; then the queues; then the ledger. Bounded by what decoders allow, and by maps of what
// state has.
#include "actors/upkeep/fsck_checker.hpp"

#include "runtime/schedule/timer_record.hpp"
#include "runtime/store/each.hpp"
#include "runtime/stream/handler_records.hpp"

#include <kith/durable.hpp>
#include <kith/json.hpp>

namespace kith::upkeep {

using store::entry;
using store::table;

namespace {

std::string_view name_of(table t) {
  return t == table::state ? "state" : t == table::queue ? "queue" : "ledger";
}

} // namespace

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

result<fsck_report> fsck(store::backend& disk) { return checker(disk).run(); }

} // namespace kith::upkeep
