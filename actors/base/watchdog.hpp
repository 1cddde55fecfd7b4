// Finds handlers that do not come back: a mailbox notes when a turn begins and ends, and whoever
// has the time looks now and then which have been running for long. Costs a turn two clock reads
// and an uncontended lock.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/identity/did.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace kith {

// The turn of one mailbox that runs now. Thread-safe.
class turn_watch {
public:
  struct turn {
    std::string handler;
    time_point since;
    bool runs = false;
  };
  explicit turn_watch(const clock& time) : time_(time) {}
  void begin(std::string_view handler) { begin(handler, time_.now()); }
  // As of then, by the same clock.
  void begin(std::string_view handler, time_point now) {
    std::lock_guard lock(mutex_);
    turn_.handler = handler;
    turn_.since = now;
    turn_.runs = true;
  }
  void end() {
    std::lock_guard lock(mutex_);
    turn_.runs = false;
  }
  turn now() const {
    std::lock_guard lock(mutex_);
    return turn_;
  }

private:
  const clock& time_;
  mutable std::mutex mutex_;
  turn turn_;
};

// Thread-safe. As many entries as there are agents.
class watchdog {
public:
  struct finding {
    did agent;
    std::string type, handler;
    duration held{};
  };

  // In place of the one of an earlier life.
  void add(const did& agent, std::string type, std::shared_ptr<turn_watch> watch) {
    std::lock_guard lock(mutex_);
    entries_[agent] = {std::move(type), std::move(watch), {}, {}};
  }
  void remove(const did& agent) {
    std::lock_guard lock(mutex_);
    entries_.erase(agent);
  }
  // Turns that have been running for `patience` or longer; each is found again once it has run for
  // twice as long.
  std::vector<finding> look(time_point now, duration patience) {
    std::vector<finding> out;
    std::lock_guard lock(mutex_);
    for (auto& [agent, e] : entries_) {
      auto turn = e.watch->now();
      if (!turn.runs) continue;
      if (turn.since != e.since) e.since = turn.since, e.next = patience;
      auto held = now - turn.since;
      if (held < e.next) continue;
      e.next = 2 * held;
      out.push_back({agent, e.type, std::move(turn.handler), held});
    }
    return out;
  }

private:
  struct entry {
    std::string type;
    std::shared_ptr<turn_watch> watch; // shared with the mailbox
    time_point since;                  // of the turn that was found last,
    duration next;                     // and for how long it has to run to be found again
  };
  std::mutex mutex_;
  std::map<did, entry> entries_;
};

} // namespace kith
