#include "actors/simulation/campaign.hpp"

#include <algorithm>

namespace kith::simulation {

namespace {

constexpr std::size_t nodes_min = 3, nodes_max = 7;
constexpr duration work_pause_max = std::chrono::milliseconds(200);

// Gives work and injects faults until `end`.
void go_wrong(cluster& c, scenario& s, const std::vector<fault>& plan, duration span,
              random_source& random) {
  const auto begin = c.now(), end = begin + span;
  auto next = plan.begin();
  while (c.now() < end) {
    s.work(c, random, true);
    auto until = std::min(
        end, c.now() + duration(std::int64_t(random.below(std::uint64_t(work_pause_max.count())))));
    for (; next != plan.end() && begin + next->at <= until; ++next) {
      c.run_for(begin + next->at - c.now());
      c.inject(*next);
    }
    c.run_for(until - c.now());
  }
}

bool come_to_rest(cluster& c, scenario& s, duration patience, random_source& random) {
  static constexpr duration look_interval = std::chrono::milliseconds(500);
  for (const auto end = c.now() + patience; c.now() < end;) {
    s.work(c, random, false);
    c.run_for(look_interval);
    if (s.at_rest(c)) return true;
  }
  return false;
}

} // namespace

run_report run(const run_options& o, const make_scenario& make) {
  run_report r;
  r.seed = o.seed;
  seeded_random random(o.seed ^ 0x5eed'5eed);
  r.nodes =
      o.nodes != 0 ? o.nodes : nodes_min + std::size_t(random.below(nodes_max - nodes_min + 1));
  fault_options f;
  f.nodes = r.nodes;
  f.span = o.span;
  f.mean_pause = o.mean_pause;
  f.kinds = o.kinds;
  auto drawn = make_faults(f, random); // also where a plan is given, so that the rest is the same
  r.plan = o.plan ? *o.plan : std::move(drawn);
  cluster c({.seed = o.seed, .nodes = r.nodes, .on_log = o.on_log});
  const auto begin = c.now();
  try {
    auto s = make();
    s->set_up(c, random);
    go_wrong(c, *s, r.plan, o.span, random);
    c.mend();
    if (come_to_rest(c, *s, o.rest_max, random))
      r.broken = s->broken(c);
    else
      r.broken = s->broken(c), r.broken.insert(r.broken.begin(), "it does not come to rest");
  } catch (const std::exception& e) {
    r.broken.push_back(std::string("an exception: ") + e.what());
  }
  r.injected = c.injected();
  r.trace = c.trace();
  r.events = c.event_count();
  r.simulated = c.now() - begin;
  return r;
}

run_report shrink(const run_options& options, const make_scenario& make, run_report failed,
                  std::size_t runs_max) {
  auto o = options;
  for (auto part = std::max<std::size_t>(1, failed.plan.size() / 2); runs_max > 0;) {
    bool smaller = false;
    for (std::size_t from = 0; from < failed.plan.size() && runs_max > 0;) {
      auto plan = failed.plan;
      auto first = plan.begin() + std::ptrdiff_t(from);
      plan.erase(first, first + std::ptrdiff_t(std::min(part, plan.size() - from)));
      o.plan = std::move(plan);
      --runs_max;
      auto r = run(o, make);
      if (r.broken.empty()) {
        from += part;
      } else {
        failed = std::move(r);
        smaller = true;
      }
    }
    if (part == 1 && !smaller) break;
    part = std::max<std::size_t>(1, part / 2);
  }
  return failed;
}

} // namespace kith::simulation
