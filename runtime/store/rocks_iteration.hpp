// Iterating so that a damaged block cannot be passed over. RocksDB before 8.5.2 may lose the status
// of one: an iterator that is at a damaged block of one level, and then seeks anew because of a
// range tombstone, goes on with what older levels have, and ends as if all had been well
// (https://github.com/facebook/rocksdb/pull/11786). Included by this folder's sources only.
#pragma once

#include "runtime/store/rocks_database.hpp"

namespace kith::store {

// How many blocks this thread has read from files. Those that come from the cache were verified
// when they were put there.
std::uint64_t blocks_read();

// That what an iterator showed from `from` to `last` (or up to `to` if it came to its end), `count`
// entries, is all there is: none of the blocks is damaged. To be asked if blocks were read.
rocksdb::Status check_iterated(const rocks_tuning& tuning, const database& d, table in,
                               byte_view from, byte_view to, const std::optional<bytes>& last,
                               std::size_t count);

} // namespace kith::store
