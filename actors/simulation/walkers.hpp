// The scenario that needs no agents of yours: some that tell and ask each other, wait, pay, set
// timers and crash, and the model of what must come of it.
#pragma once

#include <kith/simulation.hpp>
#include <map>

namespace kith::simulation {

struct outside;

// One at a time in a process.
class walkers final : public scenario {
public:
  walkers(); // makes "simulated_walker" an agent type of this process
  ~walkers() override;
  void set_up(world& in) override;
  void work(world& in) override;
  bool done(world& in) override;
  void check(world& in) override;

private:
  struct given {
    int errands = 0, trips = 0, alarms = 0;
  };
  std::unique_ptr<outside> outside_;
  std::vector<did> agents_;
  std::map<did, given> given_;
  std::size_t stumbles_ = 0;
};

} // namespace kith::simulation
