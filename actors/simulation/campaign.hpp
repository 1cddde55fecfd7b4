// Seeds in a row: each makes a cluster, a plan of faults and a scenario's work, and in the end says
// what did not hold. What is found is shrunk to the faults that matter.
#pragma once

#include "actors/simulation/cluster.hpp"

namespace kith::simulation {

// What agents are given to do, and what must be true of them whatever went wrong meanwhile. One
// object a run.
class scenario {
public:
  virtual ~scenario() = default;
  // Before anything goes wrong: spawns agents.
  virtual void set_up(cluster& in, random_source& random) = 0;
  // Gives work, again and again while things go wrong, and until at_rest() after that (`more` is
  // false then: nothing new, but what was given and not taken is given again).
  virtual void work(cluster& in, random_source& random, bool more) = 0;
  // Whether everything that was given is done. Asked when nothing goes wrong any more.
  virtual bool at_rest(cluster& in) = 0;
  // What does not hold, each a sentence; empty: all is well. Asked at rest.
  virtual std::vector<std::string> broken(cluster& in) = 0;
};
using make_scenario = std::function<std::unique_ptr<scenario>()>;

struct run_options {
  std::uint64_t seed = 1;
  std::size_t nodes = 0;                         // 0: 3 to 7, by the seed
  duration span = std::chrono::seconds(60);      // while things go wrong
  duration mean_pause = std::chrono::seconds(2); // between two faults
  duration rest_max = std::chrono::minutes(20);  // after that, until all is done
  std::vector<fault_kind> kinds{all_fault_kinds.begin(), all_fault_kinds.end()};
  std::optional<std::vector<fault>> plan = {}; // instead of one by the seed
  std::function<void(std::string_view node, std::string_view line)> on_log = {};
};

struct run_report {
  std::uint64_t seed = 0;
  std::size_t nodes = 0;
  std::vector<fault> plan;
  std::array<std::uint64_t, all_fault_kinds.size()> injected{}; // as cluster::injected
  std::uint64_t trace = 0, events = 0;                          // the same for the same seed
  duration simulated{};
  std::vector<std::string> broken; // empty: all held
};

// Exceptions of the scenario or the nodes are reported as broken.
run_report run(const run_options& options, const make_scenario& make);

// Fewer faults that still break something, by leaving out more and more of them; at most `runs_max`
// runs. `failed` is a report of `run` with the same options.
run_report shrink(const run_options& options, const make_scenario& make, run_report failed,
                  std::size_t runs_max = 200);

} // namespace kith::simulation
