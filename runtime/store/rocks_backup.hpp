// What the backend adds to backups.hpp: making one of an open store. Included by this folder's
// sources only.
#pragma once

#include "runtime/store/backups.hpp"
#include "runtime/store/rocks_database.hpp"

namespace kith::store {

// `floor`: what the store has synced; a backup that opens with less is erased again. cancelled
// "backup_stopped", corrupt "backup_incomplete"; io.
result<backup_copy> back_up(const rocks_tuning& tuning, const database& from,
                            const backup_request& request, journal_position floor);

} // namespace kith::store
