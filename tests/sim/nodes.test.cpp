// Whole nodes under faults, from seeds. KITH_SEED=n runs that one alone and prints what goes wrong;
// KITH_SEEDS=n as many from the first; KITH_SIM_SECONDS=n how long things go wrong in each;
// KITH_RESTORES=1 restores in every seed, not in each 16th.
#include "actors/simulation/walkers.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

using namespace kith;
using namespace kith::simulation;

namespace {

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  auto text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

double seconds(duration d) { return std::chrono::duration<double>(d).count(); }

std::string listed(const report& r) {
  std::string out =
      "KITH_SEED=" + std::to_string(r.seed) + ", " + std::to_string(r.nodes) + " nodes\n";
  for (auto& f : r.plan) out += "  #" + std::to_string(f.number) + " " + f.text() + "\n";
  for (auto& b : r.broken) out += "  broken: " + b + "\n";
  return out;
}

make_scenario strolling() {
  return [] { return std::make_unique<walkers>(); };
}

options of_seed(std::uint64_t seed) {
  options o;
  o.seed = seed;
  o.span = std::chrono::seconds(environment("KITH_SIM_SECONDS", 20));
  o.mean_pause = std::chrono::seconds(1);
  o.always_restores = environment("KITH_RESTORES", 0) != 0;
  return o;
}

void print_trace(const report& r) {
  std::printf("events %llu, trace %016llx, %.0f s simulated\n",
              static_cast<unsigned long long>(r.events), static_cast<unsigned long long>(r.trace),
              seconds(r.simulated));
}

// What many seeds came to.
struct sums {
  fault_counts injected{};
  duration simulated{};
  std::uint64_t seeds = 0, sleeps = 0;

  void add(const report& r) {
    ++seeds;
    simulated += r.simulated;
    sleeps += r.sleeps;
    for (std::size_t k = 0; k < injected.size(); ++k) injected[k] += r.injected[k];
  }
  void print(duration took) const {
    std::printf("%llu seeds: %.0f s simulated in %.1f s, %.0f times real time\ninjected:",
                static_cast<unsigned long long>(seeds), seconds(simulated), seconds(took),
                seconds(simulated) / seconds(took));
    for (auto k : all_fault_kinds)
      std::printf(" %s %llu", std::string(name_of(k)).c_str(),
                  static_cast<unsigned long long>(injected[std::size_t(k)]));
    std::printf("; agents fell asleep %llu times\n", static_cast<unsigned long long>(sleeps));
  }
};

} // namespace

TEST_CASE("whatever goes wrong with nodes, ways, disks and clocks, all that was taken is done once",
          "[sim]") {
  const auto first = environment("KITH_SEED", 1);
  const bool alone = std::getenv("KITH_SEED") != nullptr;
  const auto count = environment("KITH_SEEDS", alone ? 1 : 20);
  const system_clock clock;
  const auto begin = clock.now();
  sums all;
  for (auto seed = first; seed < first + count; ++seed) {
    auto o = of_seed(seed);
    if (alone && std::getenv("KITH_SIM_LOG") != nullptr)
      o.on_log = [](std::string_view node, std::string_view line) {
        std::fprintf(stderr, "%s %.*s\n", std::string(node).c_str(), int(line.size()), line.data());
      };
    auto r = run(o, strolling());
    if (!r.broken.empty()) {
      std::printf("%sshrinking\n", listed(r).c_str());
      std::fflush(stdout);
      o.on_log = {};
      r = shrink(o, strolling(), r);
      FAIL_CHECK(listed(r));
      break;
    }
    all.add(r);
    if (alone && count == 1) std::printf("%s", listed(r).c_str());
    if (alone) print_trace(r);
  }
  all.print(clock.now() - begin);
  if (count < 20) return;
  CHECK(all.sleeps > 0);
  for (auto k : all_fault_kinds) {
    INFO(name_of(k));
    CHECK(all.injected[std::size_t(k)] > 0);
  }
}

TEST_CASE("a seed is the same run each time", "[sim]") {
  auto one = run(of_seed(4), strolling()), other = run(of_seed(4), strolling());
  CHECK(one.trace == other.trace);
  CHECK(one.events == other.events);
  CHECK(run(of_seed(5), strolling()).trace != one.trace);
}
