// The row about durable steps.
#include "runtime/store/bench/raw_rocks.hpp"
#include "tools/bench/cluster.hpp"
#include "tools/bench/table.hpp"

#include <cmath>

namespace kith::bench {

namespace {

constexpr const char* name = "once";

struct shift {
  std::size_t workers = 4, handlers = 128, steps = 40;
  std::size_t count() const { return workers * handlers * steps; }
};

// A step is an intent and a result, so two records; the baseline writes as many into each of its
// synced batches as the journal did.
result<void> round(measurement& m, node_control& control, const std::string& foreman,
                   const json& order, const shift& s) {
  KITH_ASSIGN(auto before, control.journal());
  KITH_ASSIGN(auto ours, control.have_done(foreman, order));
  KITH_ASSIGN(auto after, control.journal());
  auto wrote = after.since(before);
  auto steps = double(s.count());
  auto batch = std::max(1.0, std::round(2 * steps / wrote.commits));
  KITH_ASSIGN(auto dir, temporary_directory::make());
  store::bench::raw_load raw{2 * s.count(), std::size_t(batch), 128};
  KITH_ASSIGN(auto seconds, store::bench::raw_rocks_seconds(dir.path() + "/raw", raw));
  m.add(name, ours["us_each"].as_double(), seconds * 1e6 / steps);
  m.note(name, "writes of steps in a synced batch", batch);
  m.note(name, "records a step, those of the handlers' messages included", wrote.records / steps);
  m.note(name, "journal bytes a step", wrote.bytes / steps);
  return {};
}

} // namespace

result<void> measure_steps(measurement& m) {
  if (!m.wants(name)) return {};
  shift s;
  if (m.tiny()) s = {2, 4, 3};
  KITH_ASSIGN(auto nodes, cluster::start(1));
  auto& control = nodes->control();
  KITH_ASSIGN(auto foreman, control.spawn("bench.foreman"));
  auto workers = json::array();
  for (std::size_t i = 0; i < s.workers; ++i) {
    KITH_ASSIGN(auto w, control.spawn("bench.worker"));
    workers.push_back(w);
  }
  auto order =
      json::object().set("workers", workers).set("handlers", s.handlers).set("steps", s.steps);
  auto warm_up = order;
  warm_up.set("steps", std::max<std::size_t>(s.steps / 8, 1));
  KITH_TRY(control.have_done(foreman, warm_up));
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("durable steps", i);
    KITH_TRY(round(m, control, foreman, order, s));
  }
  return {};
}

} // namespace kith::bench
