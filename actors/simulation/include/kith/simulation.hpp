// Your agents on whole nodes in one thread, from one seed: time, network and disks are simulated,
// and much goes wrong with them. A seed is the same run each time.
//
//   struct adding : kith::simulation::scenario {
//     void set_up(world& in) override { c = in.spawn(0, "counter", "c"); }
//     void work(world& in) override { in.tell(c, "add", 1), ++given; }
//     void check(world& in) override { in.expect(in.stored<int>(c, "value") == given, "the sum"); }
//     kith::did c;
//     int given = 0;
//   };
//   KITH_SCENARIO(adding);
//
// `kith sim --lib my.so` runs it, or run() from a test. docs/how-to/simulate.md. Not thread-safe.
#pragma once

#include "actors/simulation/fault.hpp"
#include "runtime/base/result.hpp"

#include <kith/scenario.hpp>

namespace kith::simulation {

struct options {
  std::uint64_t seed = 1;
  std::size_t nodes = 0;                         // 0: 3 to 7, by the seed
  duration span = std::chrono::seconds(60);      // while things go wrong
  duration mean_pause = std::chrono::seconds(2); // between two faults
  duration rest_max = std::chrono::minutes(20);  // after that, until all is done
  std::vector<fault_kind> kinds{all_fault_kinds.begin(), all_fault_kinds.end()};
  // Of `kinds`, restores are in every 16th seed, of scenarios that take them; true: in every one.
  bool always_restores = false;
  std::optional<std::vector<std::size_t>> only = {}; // of the plan's faults, by number
  std::function<void(std::string_view node, std::string_view line)> on_log = {};
};
struct report {
  std::uint64_t seed = 0;
  std::size_t nodes = 0;
  std::vector<fault> plan;
  fault_counts injected{};             // not where it was so already, or the node was down
  std::uint64_t trace = 0, events = 0; // the same for the same seed and options
  std::uint64_t sleeps = 0;            // agents that fell asleep
  duration simulated{};
  std::vector<std::string> broken; // empty: all held
};

// The scenario is made before the nodes are. What `make` throws goes through.
report run(const options& o, const make_scenario& make);

inline constexpr std::uint64_t restore_every = 16; // seeds
inline constexpr std::uint64_t sleep_every = 3;    // seeds in which agents fall asleep soon
// Seeds in which a mailbox has so little room in memory that it reads from its queue on disk.
inline constexpr std::uint64_t narrow_every = 5;

// Fewer faults that still break something. `failed` is of `run` with the same options; `each` hears
// of every run.
report shrink(const options& o, const make_scenario& make, report failed,
              std::size_t runs_max = 200, const std::function<void(const report&)>& each = {});

// The process's scenarios by name.
std::vector<std::string> scenario_names(); // sorted
// invalid "scenario": there is none of this name, or two.
result<make_scenario> find_scenario(std::string_view name);

} // namespace kith::simulation
