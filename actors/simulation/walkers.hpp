// The scenario that needs no agents of yours: some that tell and ask each other, and the model of
// what must come of it.
#pragma once

#include <kith/simulation.hpp>
#include <map>

namespace kith::simulation {

class walkers final : public scenario {
public:
  walkers(); // makes "simulated_walker" an agent type of this process
  void set_up(world& in) override;
  void work(world& in) override;
  void check(world& in) override;

private:
  std::vector<did> agents_;
  std::map<did, std::int64_t> errands_; // given
};

} // namespace kith::simulation
