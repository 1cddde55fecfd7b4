// Time zones by their IANA names, as the machine's tzdata has them. The one place that knows the
// library that reads it (Howard Hinnant's date, with the system's files), whose table is read once
// a process: a newer tzdata is seen after a restart.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>

namespace kith {

// A value; thread-safe. Instants and readings are whole seconds: since the Unix epoch, and as a
// clock on the wall there shows them, counted as if it stood in UTC.
class time_zone {
public:
  static constexpr std::size_t name_size_max = 64;

  // "UTC" needs no tzdata. invalid "unknown_zone"; unavailable "no_tzdata"; unsupported
  // "slim_tzdata" if the files leave it to a rule when clocks change, which the library does not
  // read: wrong by an hour half of the year would be worse than none.
  static result<time_zone> find(std::string_view name);

  std::int64_t reading(std::int64_t instant) const;
  // The first instant at which that clock shows `reading` or more: of a reading that is jumped over
  // the moment of the jump, of one that comes twice the first time.
  std::int64_t first(std::int64_t reading) const;

private:
  const void* zone_ = nullptr; // the library's own, which it keeps for ever; null: UTC
};

} // namespace kith
