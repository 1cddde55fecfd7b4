// The store on disk: RocksDB, one column family a table, one write-ahead log, synced commits.
// Beside it in the state directory lie the lock and the witness.
//
//   <dir>/lock      who uses the directory
//   <dir>/witness   the highest position that is known to be synced
//   <dir>/db/       RocksDB; its default column family holds the position, the format and the clean
//   mark
#pragma once

#include "runtime/store/backups.hpp"
#include "runtime/store/fault_disk.hpp"
#include "runtime/store/store.hpp"
#include "runtime/store/verification.hpp"

#include <filesystem>

namespace kith::store {

struct rocks_options {
  // For an audit of a stopped store: changes nothing, locks only against a node, refuses commits.
  bool read_only = false;
  // For a tool that works on a stopped store, as a backup of it: refuses commits, and leaves the
  // clean mark as it found it, so that the node's next start knows how its last one ended.
  bool upkeep = false;
  // False only in tests that must see something lost.
  bool sync_writes = true;
  std::size_t block_cache_bytes = 32 << 20;
  std::size_t write_buffer_bytes =
      16 << 20; // a memtable; RocksDB keeps at most write_buffer_count_max a table
  int write_buffer_count_max = 3;
  std::size_t wal_bytes_max =
      64 << 20; // past it the oldest tables are flushed; bounds recovery time too
  int open_files_max = 256;
  // Tests only: shared with the test, which outlives the backend. Null: the real disk.
  std::shared_ptr<fault_disk> faults;
};

// How RocksDB does, as it says itself.
struct rocks_stats {
  // Times that writes were slowed down, or held up altogether, because flush or compaction was
  // behind; since the store was opened.
  std::uint64_t slowdowns = 0, stops = 0;
  bool stopped = false;                       // now
  std::uint64_t delayed_bytes_per_s = 0;      // what writes are held to now; 0: they are not
  std::uint64_t compaction_pending_bytes = 0; // an estimate
  std::uint64_t table_bytes = 0;              // of SST files
};

// Thread-safe, but for close() and destruction, which come after everything else. Destroyed without
// close(), it leaves what a crash would leave.
class rocks_backend final : public backend {
public:
  static constexpr std::uint32_t format = 1; // of the stored tables; raised when they change

  // Opens or creates the store in `dir`, which must exist. Errors: not_found "state_dir_missing"
  // or, read-only, "store_missing"; unavailable "state_dir_locked"; corrupt "store_behind_witness"
  // (recovered less than was synced), "witness_damaged", "store_corrupt"; unsupported
  // "store_format", "witness_format"; io "disk_failed", "disk_full", "lock_failed". A store that is
  // refused has not been changed.
  static result<std::unique_ptr<rocks_backend>> open(const std::filesystem::path& dir,
                                                     rocks_options options = {});
  ~rocks_backend() override;

  result<std::optional<slice>> get(table in, byte_view key) override;
  result<std::vector<entry>> scan(table in, byte_view from, byte_view to,
                                  scan_limits limits) override;
  // After one failure every later commit is refused with io "store_failed".
  result<void> commit(std::span<const write_batch> batches, journal_position last) override;
  journal_position recovered() const override;
  result<void> bear_witness(journal_position position) override;

  // True if the store is new, or the process before this one ended with close().
  bool was_clean() const;
  // What an unprivileged process may still write to the file system of the store, in bytes.
  result<std::uint64_t> free_bytes() const;
  // Beside commits, which go on meanwhile. Blocks for as long as it takes to copy: never on a
  // thread that others wait for. One at a time to one directory. Errors: see rocks_backup.hpp;
  // corrupt "backup_damaged" if a file of the store is not what was written.
  result<backup_copy> back_up(const backup_request& request);
  // As verify_store, of this open store.
  result<store_verification> verify(const verification_progress& progress);
  rocks_stats stats() const;
  // Syncs, leaves the clean mark (unless a commit failed) and gives the directory up. Later calls
  // to anything else fail with unavailable "store_closed". A second close does nothing.
  result<void> close();

private:
  struct impl;
  explicit rocks_backend(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace kith::store
