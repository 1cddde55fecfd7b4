// How long this disk takes to sync what one commit writes.
#pragma once

#include "runtime/base/result.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace kith::bench {

// Appends `size` bytes to a new file in `dir`, whose room is allocated as RocksDB's log is, and
// syncs them with fdatasync; `count` times in a row. Microseconds that each took. io "disk_failed".
result<std::vector<double>> sync_times(const std::string& dir, std::size_t size, std::size_t count);

} // namespace kith::bench
