// The inside of a scenario's world: what was given from outside and is not taken yet. For this
// folder only.
#pragma once

#include "actors/simulation/cluster.hpp"

#include <deque>
#include <kith/simulation.hpp>

namespace kith::simulation {

struct world::impl {
  impl(cluster& around, random_source& chance) : in(around), random(chance), begin(around.now()) {}

  // Gives again what was not taken.
  void offer();
  std::vector<store::backend*> disks();
  // Nothing waits, and nothing is under way between agents.
  bool quiet();
  // What the world itself finds wrong; in the end also what is not done.
  void judge();

  // One message from outside.
  struct given {
    std::size_t node; // where it enters: there, the same id again is the same message
    did to;
    uuid id;
    std::string kind, content_type, payload;
    std::function<void(const reply&)> then; // set: an ask, which is given once
    bool offered = false;
    time_point until{};       // an ask's
    std::size_t restores = 0; // of the node, when it was first given
  };
  // Shared with what their nodes say, which may come after the world.
  struct state {
    std::vector<std::shared_ptr<given>> waiting;
    std::vector<std::string> broken;
    std::map<did, std::uint64_t> maybe_twice;
  };
  void put(given g);
  void offer(const std::shared_ptr<given>& g);

  static constexpr std::size_t waiting_max = 100'000;
  static constexpr std::size_t broken_max = 100; // further ones are only counted
  static void say(state& s, std::string what);

  cluster& in;
  random_source& random;
  const time_point begin;
  std::shared_ptr<state> open = std::make_shared<state>();
  uuid_generator ids;
  bool dead_letters_allowed = false;
};

} // namespace kith::simulation
