// A seed's run: a scenario's work under a plan of faults, rest, and what did not hold.
#include "actors/simulation/world.hpp"

#include <algorithm>

namespace kith::simulation {

namespace {

constexpr std::size_t nodes_min = 3, nodes_max = 7;
constexpr duration work_pause_max = std::chrono::milliseconds(200);
constexpr std::uint64_t offer_odds = 10; // of so many rounds of work one gives again

// Gives work and injects faults until `end`.
void go_wrong(world& w, world::impl& in, scenario& s, const std::vector<fault>& plan,
              duration span) {
  auto& c = in.in;
  const auto begin = c.now(), end = begin + span;
  auto next = plan.begin();
  while (c.now() < end) {
    s.work(w);
    if (in.random.below(offer_odds) == 0) in.offer();
    auto until = std::min(
        end,
        c.now() + duration(std::int64_t(in.random.below(std::uint64_t(work_pause_max.count())))));
    for (; next != plan.end() && begin + next->at <= until; ++next) {
      c.run_for(begin + next->at - c.now());
      c.inject(*next);
    }
    c.run_for(until - c.now());
  }
}

bool come_to_rest(world& w, world::impl& in, scenario& s, duration patience) {
  static constexpr duration look_interval = std::chrono::milliseconds(500);
  auto& c = in.in;
  for (const auto end = c.now() + patience; c.now() < end;) {
    in.offer();
    c.run_for(look_interval);
    if (in.quiet() && s.done(w)) return true;
  }
  return false;
}

// Of a plan, those faults that are asked for.
std::vector<fault> chosen(std::vector<fault> plan, const options& o) {
  if (o.only)
    std::erase_if(plan, [&](const fault& f) {
      return std::find(o.only->begin(), o.only->end(), f.number) == o.only->end();
    });
  return plan;
}

void play(cluster& c, const options& o, scenario& s, random_source& random, report& r) {
  world::impl in(c, random);
  world w(in);
  try {
    s.set_up(w);
    go_wrong(w, in, s, r.plan, o.span);
    c.mend();
    if (!come_to_rest(w, in, s, o.rest_max)) w.broken("it does not come to rest");
    in.judge();
    s.check(w);
  } catch (const std::exception& e) {
    w.broken(std::string("an exception: ") + e.what());
  }
  r.broken = std::move(in.open->broken);
}

} // namespace

report run(const options& o, const make_scenario& make) {
  report r;
  r.seed = o.seed;
  seeded_random random(o.seed ^ 0x5eed'5eed);
  r.nodes = nodes_min + std::size_t(random.below(nodes_max - nodes_min + 1));
  if (o.nodes != 0) r.nodes = o.nodes;
  fault_options f;
  f.nodes = r.nodes;
  f.span = o.span;
  f.mean_pause = o.mean_pause;
  f.kinds = o.kinds;
  auto s = make();
  const bool due = s->takes_restores() && o.seed % restore_every == 0;
  if (!due && !o.always_restores) std::erase(f.kinds, fault_kind::restore);
  r.plan = chosen(make_faults(f, random), o);
  cluster_options in{.seed = o.seed, .nodes = r.nodes, .on_log = o.on_log};
  if (o.seed % sleep_every == 0) in.settings.emplace_back("actors.sleep_after_ms", "300");
  if (o.seed % narrow_every == 0) in.settings.emplace_back("mailbox.stream_count_max", "8");
  cluster c(std::move(in));
  const auto begin = c.now();
  play(c, o, *s, random, r);
  r.injected = c.injected();
  r.trace = c.trace();
  r.events = c.event_count();
  r.sleeps = c.sleeps();
  r.simulated = c.now() - begin;
  return r;
}

report shrink(const options& given, const make_scenario& make, report failed, std::size_t runs_max,
              const std::function<void(const report&)>& each) {
  auto o = given;
  for (auto part = std::max<std::size_t>(1, failed.plan.size() / 2); runs_max > 0;) {
    bool smaller = false;
    for (std::size_t from = 0; from < failed.plan.size() && runs_max > 0;) {
      o.only.emplace();
      for (std::size_t i = 0; i < failed.plan.size(); ++i)
        if (i < from || i >= from + part) o.only->push_back(failed.plan[i].number);
      --runs_max;
      auto r = run(o, make);
      if (each) each(r);
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
