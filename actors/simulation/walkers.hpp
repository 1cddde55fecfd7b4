// The scenario that needs no agents of yours: some that tell and ask each other, wait, pay, set
// timers and crash, and the model of what must come of it.
#pragma once

#include "actors/agent/registry.hpp"

#include <kith/simulation.hpp>
#include <map>

namespace kith::simulation {

struct outside;

// One at a time in a process: each makes "simulated_walker" an agent type for its life.
class walkers final : public scenario {
public:
  walkers();
  ~walkers() override;
  void set_up(world& in) override;
  void work(world& in) override;
  bool done(world& in) override;
  bool takes_restores() const override { return true; }
  void check(world& in) override;

private:
  struct given {
    int errands = 0, trips = 0, alarms = 0;
  };
  void volley(world& in, const did& from);
  bool any_restored(world& in) const;
  std::size_t node_of(const did& agent) const;
  void check_agent(world& in, const did& agent);
  void check_notes(world& in, const did& from, const did& to);
  void check_payments(world& in);

  std::unique_ptr<outside> outside_;
  std::unique_ptr<passing_agent_type> type_;
  std::vector<did> agents_;
  std::map<did, given> given_;
  std::size_t stumbles_ = 0;
  int looks_ = 0; // of done(), after a restore
};

} // namespace kith::simulation
