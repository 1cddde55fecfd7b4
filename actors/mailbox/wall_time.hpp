// Instants of the wall clock that come from a store or from far away: what is added to them and
// what they are on the clock that deadlines go by never overflows.
#pragma once

#include "runtime/base/clock.hpp"

#include <algorithm>
#include <limits>

namespace kith {

// A century: what lies further ahead, as only a damaged record or a sender's whim has it, is taken
// for that, since it would not fit the other clock.
inline constexpr wall_ms ahead_max_ms = 100LL * 366 * 24 * 3600 * 1000;

// When `when` will be, if the wall clock shows `wall` at `now`; what has passed is now.
inline time_point monotonic(wall_ms when, wall_ms wall, time_point now) {
  if (when <= wall) return now;
  return now + std::chrono::milliseconds(std::min(when - wall, ahead_max_ms));
}

// So many milliseconds after `from`, by the same measure.
inline wall_ms later(wall_ms from, std::uint64_t ms) {
  const auto ahead = wall_ms(std::min<std::uint64_t>(ms, std::uint64_t(ahead_max_ms)));
  return from > std::numeric_limits<wall_ms>::max() - ahead ? from : from + ahead;
}

} // namespace kith
