// What each agent that is active here does, for `kith top` and for the sums of a node: its mailbox
// writes a few numbers at the end of a step, and whoever asks reads all of them. No number costs a
// message anything.
#pragma once

#include "actors/base/router.hpp"
#include "runtime/base/clock.hpp"

#include <algorithm>
#include <map>
#include <mutex>

namespace kith {

// Of one life of an agent. The mailbox alone writes (but for the gate); anybody reads.
struct agent_meter {
  explicit agent_meter(std::shared_ptr<const actor_gate> in_front) : gate(std::move(in_front)) {}

  // In front of the mailbox's actor, and shared with it: what is on its way there waits too.
  const std::shared_ptr<const actor_gate> gate;
  std::atomic<std::uint64_t> turns{0};
  std::atomic<std::uint64_t> busy_ns{0};  // all turns together
  std::atomic<std::uint64_t> waiting{0};  // in the mailbox, for its turn
  std::atomic<wall_ms> oldest{0};         // when the oldest of these was made; 0: none waits
  std::atomic<std::uint64_t> handlers{0}; // that await something
  std::atomic<std::uint64_t> timers{0};
};

// Thread-safe. As many entries as there are active agents.
class agent_meters {
public:
  struct reading {
    did agent;
    std::string type, name;
    std::uint64_t turns = 0, busy_ns = 0, waiting = 0, handlers = 0, timers = 0;
    wall_ms oldest = 0;
  };

  // In place of the one of an earlier life.
  void add(const did& agent, std::string type, std::string name,
           std::shared_ptr<const agent_meter> meter) {
    const std::lock_guard lock(mutex_);
    entries_.insert_or_assign(agent, entry{std::move(type), std::move(name), std::move(meter)});
  }
  void remove(const did& agent) {
    const std::lock_guard lock(mutex_);
    entries_.erase(agent);
  }
  // Calls `see` for each; it must be quick.
  template <class See> void each(See see) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [agent, e] : entries_) {
      const auto& m = *e.meter;
      const auto before = std::max<std::int64_t>(m.gate->count(), 0);
      see(reading{agent, e.type, e.name, m.turns, m.busy_ns, m.waiting + std::uint64_t(before),
                  m.handlers, m.timers, m.oldest});
    }
  }

private:
  struct entry {
    std::string type, name;
    std::shared_ptr<const agent_meter> meter; // shared with the mailbox
  };
  mutable std::mutex mutex_;
  std::map<did, entry> entries_;
};

} // namespace kith
