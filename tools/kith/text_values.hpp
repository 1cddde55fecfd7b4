// Small things that people type and read: durations, near misses.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kith::cli {

// "250ms", "5s", "1.5m", "2h", "1d"; a bare number is seconds. More than 0 and at most ten years.
// Invalid "bad_duration".
result<duration> parse_duration(std::string_view text);

// "3 s", "2 min", "5 h", "4 d": how long something has been, roughly.
std::string rough_duration(std::int64_t milliseconds);
// "2026-11-21 08:38:21.000 UTC".
std::string utc_time(wall_ms at);

// With a full stop at its end, unless it ends a sentence already.
std::string sentence(std::string text);

// The candidate that `typed` was most likely meant to be, or "" if none is near.
std::string nearest(std::string_view typed, const std::vector<std::string>& candidates);

} // namespace kith::cli
