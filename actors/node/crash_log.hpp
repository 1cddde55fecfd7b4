// The last crashes of agents on this node, for people: what crashed, why, and what it was handling.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/identity/did.hpp"

#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace kith {

struct crash_report {
  wall_ms when = 0;
  did agent;
  std::string type, name;
  std::string reason;
  std::string handling; // empty: nothing, for one that could not be activated
};

// Thread-safe. In memory: a message that made an agent crash is also a dead letter, which is
// stored.
class crash_log {
public:
  static constexpr std::size_t kept_max = 1000; // then the oldest is forgotten

  void add(crash_report r) {
    std::lock_guard lock(mutex_);
    if (reports_.size() >= kept_max) reports_.pop_front();
    reports_.push_back(std::move(r));
  }
  // Oldest first.
  std::vector<crash_report> all() const {
    std::lock_guard lock(mutex_);
    return {reports_.begin(), reports_.end()};
  }

private:
  mutable std::mutex mutex_;
  std::deque<crash_report> reports_;
};

} // namespace kith
