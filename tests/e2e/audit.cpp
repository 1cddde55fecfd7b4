// e2e_audit: what a stopped node's store holds, as JSON, for a test that compares it with its own
// log. It opens the store read-only and decodes every record, so that one that does not decode
// fails the test.
//
//   e2e_audit <store directory>
//   {node, clean, position, agents:[{did, type, name, epoch, stopped, cells:{name: value}, asks,
//    handlers: how many await something, out:[...], in:[...]}], lost:[ranges that a restore lost],
//    received:[...], sent:[...], dead:[...]}
//
//   e2e_audit --once <store directory>      also of a node that was killed
//   {once: how many steps of handlers are begun that are to be done once, and have no result}
#include "actors/mailbox/handlers.hpp"
#include "runtime/store/rocks_backend.hpp"
#include "runtime/stream/records.hpp"

#include <iostream>
#include <kith/durable.hpp>

using namespace kith;
using store::table;

namespace {

using visitor = std::function<result<json>(const store::entry&)>;

// An array of what `visit` makes of every entry of a range.
result<json> each(store::backend& disk, table in, bytes from, const bytes& to,
                  const visitor& visit) {
  auto list = json::array();
  for (;;) {
    KITH_ASSIGN(auto found, disk.scan(in, from, to, {}));
    for (const auto& e : found) {
      KITH_ASSIGN(auto made, visit(e));
      list.push_back(std::move(made));
    }
    if (found.empty()) return list;
    from = found.back().key;
    from.push_back(0);
  }
}

// The records of one agent and kind, named by an example key.
result<json> each_of(store::backend& disk, table in, const bytes& example, std::size_t prefix_size,
                     const visitor& visit) {
  auto from = keys::prefix(example, prefix_size);
  return each(disk, in, from, keys::end_of(from), visit);
}

std::string name_of(const stream_key& key) { return to_hex(key); }

// The positions that a stream's queue still holds. Those that expired early are not told apart.
result<json> queued(store::backend& disk, const bytes& example) {
  return each_of(
      disk, table::queue, example, keys::queue_prefix_size,
      [](const store::entry& e) -> result<json> { return json(keys::queue_seq(e.key)); });
}

result<json> out_stream(store::backend& disk, const store::entry& e) {
  KITH_ASSIGN(auto r, records::decode<records::stream_out>(e.value));
  auto o = json::object();
  o.set("key", name_of(r.stream.key()));
  o.set("to", r.stream.to.text());
  o.set("lane", r.stream.lane == lane::request ? "request" : "answer");
  o.set("next", r.head.next);
  o.set("last", to_hex(r.head.last));
  o.set("acked", r.acked);
  o.set("trimmed_to", r.trimmed_to);
  KITH_ASSIGN(auto left, queued(disk, keys::outbox(r.stream.key(), 0)));
  o.set("queued", std::move(left));
  return o;
}

result<json> in_stream(store::backend& disk, const store::entry& e, bool local) {
  KITH_ASSIGN(auto r, records::decode<records::stream_in>(e.value));
  auto o = json::object();
  o.set("key", name_of(r.stream.key()));
  o.set("from", r.stream.from.text());
  o.set("lane", r.stream.lane == lane::request ? "request" : "answer");
  o.set("local", local);
  o.set("next", r.head.next);
  o.set("last", to_hex(r.head.last));
  o.set("consumed", r.consumed);
  o.set("quarantined", r.quarantined);
  KITH_ASSIGN(auto left, queued(disk, keys::inbox(r.stream.key(), 0)));
  o.set("queued", std::move(left));
  return o;
}

result<json> cells_of(store::backend& disk, const keys::agent_key& a) {
  auto cells = json::object();
  auto read = [&](const store::entry& e) -> result<json> {
    auto stored = as_text(e.value);
    if (stored.size() < detail::cell::header_size)
      return fail(errc::corrupt, "bad_cell", "a cell is shorter than its header");
    KITH_ASSIGN(auto value, json::parse(stored.substr(detail::cell::header_size)));
    cells.set(as_text(byte_view(e.key).subspan(keys::agent_prefix_size)), std::move(value));
    return json();
  };
  KITH_TRY(each_of(disk, table::state, keys::cell(a, {}), keys::agent_prefix_size, read));
  return cells;
}

result<json> agent_of(store::backend& disk, const store::entry& e) {
  KITH_ASSIGN(auto r, records::decode<records::agent_record>(e.value));
  const auto a = keys::of(r.agent);
  auto o = json::object();
  o.set("did", r.agent.text());
  o.set("type", r.type);
  o.set("name", r.name);
  o.set("epoch", r.epoch);
  o.set("stopped", r.stopped);
  KITH_ASSIGN(auto cells, cells_of(disk, a));
  o.set("cells", std::move(cells));
  KITH_ASSIGN(auto asks, each_of(disk, table::state, keys::ask(a, {}), keys::agent_prefix_size,
                                 [](const store::entry& ask) -> result<json> {
                                   KITH_ASSIGN(auto record,
                                               records::decode<records::ask_record>(ask.value));
                                   return json(record.request.text());
                                 }));
  o.set("asks", std::move(asks));
  KITH_ASSIGN(const auto waiting,
              each_of(disk, table::state, keys::handler(a, {}), keys::agent_prefix_size,
                      [](const store::entry&) -> result<json> { return json(true); }));
  o.set("handlers", std::int64_t(waiting.size()));
  KITH_ASSIGN(auto out,
              each_of(disk, table::state, keys::out_stream(a, {}), keys::agent_prefix_size,
                      [&](const store::entry& s) { return out_stream(disk, s); }));
  o.set("out", std::move(out));
  KITH_ASSIGN(auto in, each_of(disk, table::state, keys::in_stream(a, {}), keys::agent_prefix_size,
                               [&](const store::entry& s) { return in_stream(disk, s, false); }));
  o.set("in", std::move(in));
  // What a local sender has announced; `in` has it too once something was consumed.
  KITH_ASSIGN(auto local,
              each_of(disk, table::state, keys::local_stream(a, {}), keys::agent_prefix_size,
                      [&](const store::entry& s) { return in_stream(disk, s, true); }));
  o.set("announced", std::move(local));
  return o;
}

result<json> lost_range(const store::entry& e) {
  KITH_ASSIGN(auto r, records::decode<records::lost_range>(e.value));
  auto o = json::object();
  o.set("stream", name_of(r.stream.key()));
  o.set("from", r.stream.from.text());
  o.set("to", r.stream.to.text());
  o.set("lane", r.stream.lane == lane::request ? "request" : "answer");
  o.set("first", r.from);
  o.set("last", r.to);
  return o;
}

result<json> ledger_line(const store::entry& e) {
  KITH_ASSIGN(auto r, records::decode<records::ledger_entry>(e.value));
  auto o = json::object();
  o.set("id", r.id.text());
  o.set("stream", name_of(r.stream));
  o.set("seq", r.seq);
  o.set("direction", r.direction == records::direction::in ? "in" : "out");
  o.set("disposition", to_string(r.disposition));
  return o;
}

result<json> dead_letter(const store::entry& e) {
  KITH_ASSIGN(auto r, records::decode<records::dead_letter>(e.value));
  auto o = json::object();
  o.set("id", r.id.text());
  o.set("agent", r.agent.text());
  o.set("reason", r.reason);
  o.set("attempts", r.attempts);
  return o;
}

result<json> audit(const std::filesystem::path& dir) {
  store::rocks_options options;
  options.read_only = true;
  KITH_ASSIGN(auto disk, store::rocks_backend::open(dir, options));
  auto o = json::object();
  o.set("clean", disk->was_clean());
  o.set("position", disk->recovered());
  KITH_ASSIGN(auto node, disk->get(table::state, keys::node()));
  if (!node)
    return fail(errc::corrupt, "no_node_record", "the store says of no node that it is its");
  KITH_ASSIGN(auto record, records::decode<records::node_record>(*node));
  o.set("node", record.node.text());
  KITH_ASSIGN(auto agents, each_of(*disk, table::state, keys::agents_begin(), 1,
                                   [&](const store::entry& e) { return agent_of(*disk, e); }));
  o.set("agents", std::move(agents));
  KITH_ASSIGN(auto lost, each_of(*disk, table::state, keys::lost({}, {}, 0), 1, lost_range));
  o.set("lost", std::move(lost));
  KITH_ASSIGN(auto received, each_of(*disk, table::ledger, keys::received({}), 1, ledger_line));
  o.set("received", std::move(received));
  KITH_ASSIGN(auto sent, each_of(*disk, table::ledger, keys::sent({}), 1, ledger_line));
  o.set("sent", std::move(sent));
  KITH_ASSIGN(auto dead, each_of(*disk, table::ledger, keys::dead_begin(), 1, dead_letter));
  o.set("dead", std::move(dead));
  return o;
}

// Journals lie one behind the other, each in its order.
result<json> once_in_flight(const std::filesystem::path& dir) {
  store::rocks_options options;
  options.read_only = true;
  KITH_ASSIGN(auto disk, store::rocks_backend::open(dir, options));
  std::map<bytes, std::vector<records::segment>> journals; // by agent and handler
  constexpr std::size_t which = keys::agent_prefix_size + sizeof(handler_id);
  KITH_TRY(each_of(*disk, table::state, keys::journal({}, {}, 0), 1,
                   [&](const store::entry& e) -> result<json> {
                     KITH_ASSIGN(auto s, records::decode<records::segment>(e.value));
                     journals[keys::prefix(e.key, which)].push_back(std::move(s));
                     return json();
                   }));
  std::int64_t once = 0;
  for (const auto& [key, journal] : journals)
    for (const auto& [at, b] : handlers::awaited(journal))
      once += b.type == records::step_type::once;
  return json().set("once", once);
}

} // namespace

int main(int argc, char** argv) {
  const bool once = argc == 3 && std::string_view(argv[1]) == "--once";
  if (argc != 2 && !once) {
    std::cerr << "usage: e2e_audit [--once] <store directory>\n";
    return 2;
  }
  auto found = once ? once_in_flight(argv[2]) : audit(argv[1]);
  if (!found) {
    std::cerr << "e2e_audit: " << found.error().what() << "\n";
    return 1;
  }
  std::cout << found->dump() << "\n";
  return 0;
}
