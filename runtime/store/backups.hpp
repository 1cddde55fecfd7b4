// Backups of a store, many in one directory: each a point in time that opens whole, sharing with
// the others every file that has not changed since. Only the store itself: what else a node needs
// to start from one is runtime/backup's.
//
//   <dir>/meta, private, shared_checksum      RocksDB's backup engine
//
// One process at a time may write to a directory: the caller locks it. Blocking, for threads of
// their own.
#pragma once

#include "runtime/stream/stream_id.hpp"

#include <filesystem>
#include <functional>
#include <vector>

namespace kith::store {

using backup_id = std::uint32_t; // counts up from 1 within a directory

struct backup_request {
  std::filesystem::path to;      // must be there
  std::uint64_t bytes_per_s = 0; // at most; 0: as fast as it goes
  // Called now and then while files are copied, with about how much was; false: stop.
  std::function<bool(std::uint64_t bytes_copied)> progress;
};

struct backup_copy {
  backup_id id = 0;
  journal_position position = 0; // what it opens with
  std::uint64_t bytes = 0;       // of all its files
  std::uint64_t bytes_new = 0;   // of those that no backup before it had
  std::uint32_t files = 0;
};

namespace backups {

// The whole ones, oldest first. Nothing if there is no directory; corrupt "backup_damaged"; io.
result<std::vector<backup_id>> list(const std::filesystem::path& dir);
// The file that says which files it is of, with their checksums.
std::filesystem::path meta_file(const std::filesystem::path& dir, backup_id id);
// Reads each file of it and compares checksums. corrupt "backup_damaged", not_found
// "unknown_backup"; io.
result<void> verify(const std::filesystem::path& dir, backup_id id);
// Erases it, and files that only it had. not_found "unknown_backup"; io.
result<void> erase(const std::filesystem::path& dir, backup_id id);
// Makes a store of it in `into`, a directory that is there and empty, with a witness at `position`;
// checks that it opens with that. Errors as of verify, and corrupt "backup_incomplete".
result<void> restore(const std::filesystem::path& dir, backup_id id,
                     const std::filesystem::path& into, journal_position position);

} // namespace backups

} // namespace kith::store
