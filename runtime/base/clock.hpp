// Time, as it is handed to everything that needs it. Nothing in Kith but system_clock reads the
// machine's clocks; a test hands out a manual_clock instead.
#pragma once

#include <chrono>
#include <cstdint>

namespace kith {

using duration = std::chrono::nanoseconds;
// Monotonic, of unknown origin: for deadlines, back-off and rates. Never stored, never sent.
using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;
// Milliseconds since the Unix epoch: for what people read and for UUIDv7. May jump.
using wall_ms = std::int64_t;

// Thread-safe.
class clock {
public:
  virtual ~clock() = default;
  virtual time_point now() const = 0;
  virtual wall_ms wall() const = 0;
};

// The machine's clocks.
class system_clock final : public clock {
public:
  time_point now() const override;
  wall_ms wall() const override;
};

// Stands still until advanced. Not thread-safe.
class manual_clock final : public clock {
public:
  explicit manual_clock(wall_ms wall = 1'700'000'000'000) : wall_(wall) {}
  time_point now() const override { return now_; }
  wall_ms wall() const override {
    return wall_ + std::chrono::floor<std::chrono::milliseconds>(now_ - start).count();
  }
  void advance(duration d) { now_ += d; }

private:
  static constexpr time_point start{std::chrono::hours(1)};
  time_point now_ = start;
  wall_ms wall_; // at the start: many small steps must add up
};

} // namespace kith
