// Where is my message? What one node's ledger knows of it; the control plane joins what all nodes
// say.
#include "actors/node/parts.hpp"

#include <boost/json.hpp>

namespace kith {

namespace {

namespace bj = boost::json;

bj::object base(node_parts& parts, const records::ledger_entry& e) {
  bj::object o;
  o["node"] = parts.self().text();
  o["node_name"] = parts.name;
  if (e.seq != 0) o["seq"] = e.seq; // 0: a refusal told us of what the ledger had not kept
  o["at_ms"] = e.when;
  if (!e.reason.empty()) o["reason"] = e.reason;
  return o;
}

bool connected(node_parts& parts, const did& node) {
  auto peers = parts.peers.all();
  auto it = peers.find(node);
  return it != peers.end() && it->second.state == "up";
}

void add_stream(bj::object& o, const stream_id& id) {
  o["from"] = id.from.text();
  o["to"] = id.to.text();
  o["lane"] = id.lane == lane::request ? "request" : "answer";
}

// The sender's side: queued until the recipient's node is known to hold it.
bj::object sent_here(node_parts& parts, const records::ledger_entry& e) {
  auto o = base(parts, e);
  o["role"] = "sender";
  o["state"] = "queued";
  auto stored = parts.disk->get(store::table::state, keys::out_stream(e.owner, e.stream));
  if (stored && *stored) {
    if (auto s = records::decode<records::stream_out>(**stored)) {
      add_stream(o, s->stream);
      auto acked = s->acked;
      auto where = parts.router.find(s->stream.to);
      if (auto live = parts.router.stream(s->stream))
        acked = std::max<sequence>(acked, live->acked);
      if (where.where == route::kind::local || e.seq <= acked)
        o["state"] = "persisted";
      else if (where.where == route::kind::remote && connected(parts, where.node))
        o["state"] = "sent";
    }
  }
  if (e.disposition != disposition::none) o["state"] = std::string(to_string(e.disposition));
  return o;
}

bj::object received_here(node_parts& parts, const records::ledger_entry& e) {
  auto o = base(parts, e);
  o["role"] = "recipient";
  o["state"] = std::string(to_string(e.disposition));
  auto stored = parts.disk->get(store::table::state, keys::in_stream(e.owner, e.stream));
  if (stored && *stored)
    if (auto s = records::decode<records::stream_in>(**stored)) add_stream(o, s->stream);
  return o;
}

} // namespace

std::string where_here(node_parts& parts, const uuid& id) {
  bj::array history;
  auto look = [&](const bytes& key, auto describe) {
    auto stored = parts.disk->get(store::table::ledger, key);
    if (!stored || !*stored) return;
    if (auto e = records::decode<records::ledger_entry>(**stored))
      history.push_back(describe(parts, *e));
  };
  look(keys::sent(id), sent_here);
  look(keys::received(id), received_here);
  return bj::serialize(history);
}

} // namespace kith
