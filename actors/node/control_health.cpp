// The verb `health`: what an operator would want to be told without asking for each.
#include "actors/node/control_server.hpp"

#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr std::size_t counted_max = 1000;           // dead letters; more are said to be more
constexpr std::size_t counted_bytes_max = 16 << 20; // that are read for it

} // namespace

void health(node_parts& parts, const boost::json::object&, control_server::reply reply) {
  const auto from = keys::dead_begin();
  auto dead = parts.disk->scan(store::table::ledger, from, keys::end_of(from),
                               {counted_max, counted_bytes_max});
  if (!dead) return reply(fail(dead.error()));
  bool more = false;
  if (!dead->empty()) {
    auto behind = dead->back().key;
    behind.push_back(0);
    auto next = parts.disk->scan(store::table::ledger, behind, keys::end_of(from), {1, 1});
    if (!next) return reply(fail(next.error()));
    more = !next->empty();
  }
  boost::json::object o;
  o["unclean"] = parts.unclean;
  o["dead_letters"] = dead->size();
  o["more"] = more;
  if (auto free = parts.free_bytes()) o["disk_free"] = *free;
  o["log_lines_lost"] = parts.logs->lost();
  reply(std::move(o));
}

void crashes(node_parts& parts, const bj::object&, control_server::reply reply) {
  bj::array out;
  for (const auto& c : parts.crashes.all())
    out.push_back({{"at_ms", c.when},
                   {"agent", c.agent.text()},
                   {"type", c.type},
                   {"name", c.name},
                   {"reason", c.reason},
                   {"handling", c.handling}});
  reply(std::move(out));
}

} // namespace kith::control
