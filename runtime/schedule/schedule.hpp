// When a timer fires: once, at regular distances, or as cron says. Pure: all times come in.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/schedule/cron.hpp"

namespace kith {

// Stored: never renumber.
enum class schedule_type : std::uint8_t { once = 1, every = 2, cron = 3 };
std::string_view to_string(schedule_type t);

struct schedule_spec {
  schedule_type type = schedule_type::once;
  wall_ms first = 0;           // once: then; every: the first time
  std::uint64_t period_ms = 0; // every
  std::string cron;            // cron, with the zone that it is meant in
  std::string zone;
  bool operator==(const schedule_spec&) const = default;
};

class schedule {
public:
  static constexpr std::uint64_t period_ms_min = 100;
  static constexpr std::uint64_t period_ms_max = std::uint64_t(100) * 366 * 24 * 3600 * 1000;
  static constexpr wall_ms time_max = 253'402'300'799'000; // the end of the year 9999

  // invalid "bad_timer" for a time or period out of bounds; what cron_expression and time_zone say.
  static result<schedule> make(const schedule_spec& s);

  // The first time after that one.
  std::optional<wall_ms> next(wall_ms after) const;

  // The times from `due`, which is one, to `now`.
  struct backlog {
    std::uint64_t count = 1; // with cron, more than `keep` is only known to be more than `keep`
    wall_ms kept = 0;        // the first of the last `keep`
    wall_ms last = 0;
  };
  backlog behind(wall_ms due, wall_ms now, std::size_t keep) const;

private:
  backlog cron_behind(wall_ms due, wall_ms now, std::size_t keep) const;

  schedule_spec spec_;
  std::optional<cron_expression> cron_;
  time_zone zone_;
};

} // namespace kith
