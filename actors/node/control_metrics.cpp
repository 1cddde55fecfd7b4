// The verb `metrics`: all that is counted, and the agents that do most; what `kith top` looks at.
#include "actors/node/control_server.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr std::int64_t agents_max = 1000;

using observe::registry;

double in_units(std::int64_t v, std::uint64_t per_unit) { return double(v) / double(per_unit); }

bj::object to_json(const registry::sample& s) {
  bj::object labels;
  for (const auto& [name, value] : s.by) labels[name] = value;
  bj::object o{{"name", s.name}, {"labels", std::move(labels)}};
  if (s.kind != registry::kind::histogram) {
    o["kind"] = s.kind == registry::kind::counter ? "counter" : "gauge";
    if (s.per_unit == 1)
      o["value"] = s.value;
    else
      o["value"] = in_units(s.value, s.per_unit);
    return o;
  }
  bj::array bounds, counts;
  for (auto b : s.bounds) bounds.emplace_back(in_units(std::int64_t(b), s.per_unit));
  for (std::size_t i = 0; i <= s.bounds.size(); ++i) counts.emplace_back(s.counts[i]);
  o["kind"] = "histogram";
  o["sum"] = in_units(s.value, s.per_unit);
  o["bounds"] = std::move(bounds), o["counts"] = std::move(counts);
  return o;
}

bj::array busiest(node_parts& parts, std::size_t limit) {
  std::vector<agent_meters::reading> all;
  if (limit > 0) parts.meters.agents.each([&](auto r) { all.push_back(std::move(r)); });
  const auto more = [](const agent_meters::reading& a, const agent_meters::reading& b) {
    return std::tie(a.waiting, a.busy_ns, a.agent) > std::tie(b.waiting, b.busy_ns, b.agent);
  };
  const auto count = std::min(limit, all.size());
  std::partial_sort(all.begin(), all.begin() + std::ptrdiff_t(count), all.end(), more);
  bj::array out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& r = all[i];
    out.push_back({{"did", r.agent.text()},
                   {"name", r.name},
                   {"type", r.type},
                   {"turns", r.turns},
                   {"busy_ns", r.busy_ns},
                   {"waiting", r.waiting},
                   {"oldest_ms", r.oldest},
                   {"handlers", r.handlers},
                   {"timers", r.timers}});
  }
  return out;
}

} // namespace

void metrics(node_parts& parts, const bj::object& args, control_server::reply reply) {
  const auto limit = optional_number(args, "agents", 0);
  if (!limit) return reply(fail(limit.error()));
  bj::array all;
  for (const auto& s : read_metrics(parts)) all.push_back(to_json(s));
  bj::object o;
  o["at_ms"] = parts.time.wall();
  // For rates: no clock that is set runs it backwards.
  o["now_ns"] =
      std::chrono::duration_cast<std::chrono::nanoseconds>(parts.time.now().time_since_epoch())
          .count();
  o["metrics"] = std::move(all);
  o["agents"] = busiest(parts, std::size_t(std::min(*limit, agents_max)));
  reply(std::move(o));
}

} // namespace kith::control
