// A directory of backups of one node, and the way back from one: the store, and what else a node's
// directory needs to start on another machine.
//
//   <dir>/lock                   who writes to it
//   <dir>/store/                 the stores' files (runtime/store/backups.hpp)
//   <dir>/nodes/<id>/manifest    what backup <id> is; written last
//   <dir>/nodes/<id>/files/...   kith.toml, cluster.secret, keys/ as they were, sealed or not
//
// Mode 0700: who has a backup has the node. All of it blocks on the disk.
#pragma once

#include "runtime/backup/manifest.hpp"
#include "runtime/base/random.hpp"
#include "runtime/crypto/secret.hpp"
#include "runtime/store/rocks_backend.hpp"

#include <optional>

namespace kith::backup {

// A file of this name in its directory tells a node that its store is a backup that was put back.
inline constexpr std::string_view restored_mark = "restored";

// Whose backup it is to be.
struct subject {
  did node;
  std::string name;
  std::filesystem::path dir;         // the node's own
  std::filesystem::path secret_file; // the cluster's
  std::string kith;                  // this version
};

struct take_options {
  std::filesystem::path to; // made if it is not there; its parent must be
  std::uint64_t keep = 0;   // so many of the newest stay; 0: all
  std::uint64_t bytes_per_s = 0;
  std::function<bool(std::uint64_t bytes_copied)> progress; // false: stop
};

// Makes one of a store that a node runs on, or that is open for upkeep. Errors say what to do:
// unavailable "backup_dir_locked"; conflict "not_backups" (the directory holds something else),
// "other_nodes_backups"; forbidden "key_permissions"; cancelled
// "backup_stopped"; corrupt "backup_damaged"; io. What failed is no backup, and those before it
// stay.
result<manifest> take(store::rocks_backend& disk, const subject& of, const take_options& how,
                      const kith::clock& time, random_source& random);
struct listed {
  store::backup_id id = 0;
  std::optional<manifest> is; // nothing: it is damaged, and `problem` says how
  error problem;
};
// Oldest first. not_found "no_backups".
result<std::vector<listed>> list(const std::filesystem::path& dir);

// Reads all of one (0: the newest) and compares with the checksums that it was made with. corrupt
// "backup_damaged", "bad_manifest"; not_found "no_backups", "unknown_backup".
result<manifest> verify(const std::filesystem::path& dir, store::backup_id id);

struct restored {
  manifest from;
  crypto::secret_buffer cluster_secret; // the file as it was; empty if there was none
};
// Makes a node's directory of it in `into`, which must not be there and whose parent must: keys,
// kith.toml, the store, and the mark that makes the node start as restored (ADR 19). Verified
// before anything is written, and again as it is. Errors as of verify; exists "restore_target".
result<restored> restore(const std::filesystem::path& dir, store::backup_id id,
                         const std::filesystem::path& into, random_source& random);

} // namespace kith::backup
