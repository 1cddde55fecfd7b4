// How a batch grows: each operation owns its key and shares its value, and counts towards the
// batch's size.
#include "runtime/store/store.hpp"

#include <algorithm>

namespace kith::store {

namespace {

// What an operation costs besides its bytes, in memory and in the log; so an erase is not free
// either.
constexpr std::size_t operation_overhead = 16;

} // namespace

void write_batch::put(table in, byte_view key, slice value) {
  size_bytes_ += key.size() + value.size() + operation_overhead;
  operations_.push_back({operation::kind::put, in, to_bytes(key), std::move(value)});
}

void write_batch::erase(table in, byte_view key) {
  size_bytes_ += key.size() + operation_overhead;
  operations_.push_back({operation::kind::erase, in, to_bytes(key), {}});
}

void write_batch::erase_range(table in, byte_view from, byte_view to) {
  // An empty range erases nothing; RocksDB would refuse a reversed one and with it the whole group.
  if (!std::lexicographical_compare(from.begin(), from.end(), to.begin(), to.end())) return;
  size_bytes_ += from.size() + to.size() + operation_overhead;
  operations_.push_back({operation::kind::erase_range, in, to_bytes(from), slice::copy_of(to)});
}

void write_batch::require_epoch(const did& agent, epoch at) { required_.push_back({agent, at}); }

void write_batch::raise_epoch(const did& agent, epoch to) { raised_.push_back({agent, to}); }

} // namespace kith::store
