// Whole nodes under faults, from seeds. KITH_SEED=n runs that one alone and prints what goes wrong;
// KITH_SEEDS=n as many from the first.
#include "tests/sim/walkers.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

using namespace kith;
using namespace kith::simulation;

namespace {

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  auto text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string listed(const run_report& r) {
  std::string out =
      "KITH_SEED=" + std::to_string(r.seed) + ", " + std::to_string(r.nodes) + " nodes\n";
  for (auto& f : r.plan) out += "  " + f.text() + "\n";
  for (auto& b : r.broken) out += "  broken: " + b + "\n";
  return out;
}

make_scenario strolling() {
  return [] { return std::make_unique<walkers>(); };
}

} // namespace

TEST_CASE("whatever goes wrong with nodes, ways, disks and clocks, all that was taken is done once",
          "[sim]") {
  const auto first = environment("KITH_SEED", 1);
  const bool alone = std::getenv("KITH_SEED") != nullptr;
  const auto count = environment("KITH_SEEDS", alone ? 1 : 20);
  std::array<std::uint64_t, all_fault_kinds.size()> injected{};
  for (auto seed = first; seed < first + count; ++seed) {
    run_options o;
    o.seed = seed;
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
    for (std::size_t k = 0; k < injected.size(); ++k) injected[k] += r.injected[k];
    if (alone)
      std::printf("%sevents %llu, trace %016llx, %.0f s simulated\n", listed(r).c_str(),
                  static_cast<unsigned long long>(r.events),
                  static_cast<unsigned long long>(r.trace),
                  std::chrono::duration<double>(r.simulated).count());
  }
  if (count >= 20)
    for (auto k : all_fault_kinds) {
      INFO(name_of(k));
      CHECK(injected[std::size_t(k)] > 0);
    }
}

TEST_CASE("a seed is the same run each time", "[sim]") {
  run_options o;
  o.seed = 4;
  o.span = std::chrono::seconds(20);
  auto one = run(o, strolling()), other = run(o, strolling());
  CHECK(one.trace == other.trace);
  CHECK(one.events == other.events);
  o.seed = 5;
  CHECK(run(o, strolling()).trace != one.trace);
}
