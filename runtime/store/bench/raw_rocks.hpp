// The baseline of what Kith stores: RocksDB by itself, as a program would use it that does nothing
// else. A function, so that tools/bench can make rows of it.
#pragma once

#include "runtime/base/result.hpp"

#include <cstddef>
#include <string>

namespace kith::store::bench {

struct raw_load {
  std::size_t records = 0;
  std::size_t batch = 1; // records of one synced write
  std::size_t value_size = 128;
};

// Writes so many records, each under a key of 8 bytes of its own, into a new database in `dir`
// (made, and erased afterwards), each batch as one synced write, one after the other. Seconds that
// the writes took. io "disk_failed".
result<double> raw_rocks_seconds(const std::string& dir, const raw_load& load);

} // namespace kith::store::bench
