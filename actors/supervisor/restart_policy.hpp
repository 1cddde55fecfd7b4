// When a crashed child is started again, and when its supervisor gives it up: Erlang's restart
// intensity with exponential back-off. Pure.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/random.hpp"

#include <deque>
#include <optional>

namespace kith {

struct restart_limits {
  // More crashes than this within the period: the child is given up.
  std::uint32_t intensity_max = 5;
  duration period = std::chrono::seconds(60);
  // The first restart waits this long; each further one within the period twice as long, up to the
  // maximum; half of it is jitter.
  duration delay = std::chrono::milliseconds(50);
  duration delay_max = std::chrono::seconds(10);
};

// One a child.
class restart_policy {
public:
  explicit restart_policy(restart_limits limits) : limits_(limits) {}

  // The child crashed at `now`: how long to wait before it is started again, or nothing if it is to
  // be given up.
  std::optional<duration> crashed(time_point now, random_source& random);
  std::uint32_t restarts() const { return restarts_; }

private:
  restart_limits limits_;
  std::deque<time_point> crashes_; // within the period
  std::uint32_t restarts_ = 0;
};

} // namespace kith
