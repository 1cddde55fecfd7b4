// What the backend adds to verification.hpp: the same of a store that is open. Included by this
// folder's sources only.
#pragma once

#include "runtime/store/rocks_database.hpp"
#include "runtime/store/verification.hpp"

namespace kith::store {

// The files of `path` as they are on disk. `live` is the open database if there is one: it keeps
// its files meanwhile. `floor`: what the store must come up with.
result<store_verification> verify_files(const rocks_tuning& tuning, const std::string& path,
                                        const database* live, journal_position floor,
                                        const verification_progress& progress);

} // namespace kith::store
