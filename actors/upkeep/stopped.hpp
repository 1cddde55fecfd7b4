// A node that is stopped, by its store alone.
#pragma once

#include "runtime/backup/backups.hpp"

namespace kith::upkeep {

// Whose store it is. corrupt "no_node_record", "bad_record"; errors of the store.
result<did> owner_of(store::backend& disk);

// A backup of a stopped node; `of.node` is taken from its store. Errors of backup::take, and
// unavailable "state_dir_locked" if it runs.
result<backup::manifest> back_up_stopped(backup::subject of, const backup::take_options& how,
                                         const clock& time, random_source& random);

} // namespace kith::upkeep
