// What a program says about how its agents are supervised: supervisors, declared by name, and how
// a child that ended is treated (docs/how-to/supervise.md).
#pragma once

#include <cstdint>
#include <string_view>

namespace kith {

// Whom a supervisor starts again when a child of its has crashed.
enum class strategy : std::uint8_t {
  one_for_one, // that child
  one_for_all, // all its children, after it has stopped those that still ran
  rest_for_one // that child and those that were started after it
};

// When a child that ended is started again. Stored: never renumber.
enum class restart : std::uint8_t {
  permanent = 0, // always, also if it ended in order
  transient = 1, // if it crashed
  temporary = 2  // never; its end touches no sibling
};

} // namespace kith
