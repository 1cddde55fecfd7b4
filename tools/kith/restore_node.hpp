// A node of a state directory, from a backup. It is made beside its place and moved there whole, so
// that there is never half of one.
#pragma once

#include "runtime/backup/backups.hpp"
#include "tools/kith/state_dir.hpp"

namespace kith::cli {

struct restored_node {
  backup::manifest from;
  std::filesystem::path node_dir;
  std::filesystem::path aside; // where what was there before is now; empty: nothing was
  bool kept_settings = false;  // a kith.toml was there
};

// `name`: empty, or the one that the backup must be of. Errors: those of backup::restore; exists
// "store_exists" unless `force`, which moves what is there aside; unavailable "state_dir_locked" if
// a node runs there; conflict "other_cluster" if the state directory has another secret,
// "other_node".
result<restored_node> restore_node(const state_dir& dir, const std::filesystem::path& from,
                                   store::backup_id id, const std::string& name, bool force,
                                   wall_ms now);

} // namespace kith::cli
