// The store's twin in memory, behind the same interface: no file, no thread, and a disk that
// outlives its backends, so that a simulated node can crash, lose what was not synced, and start
// again on what is left.
#pragma once

#include "runtime/store/store.hpp"

#include <map>
#include <mutex>

namespace kith::store {

// What is "on disk". Thread-safe; shared by the test that owns it and the backend of the node that
// runs on it.
class memory_disk {
public:
  // False: commits stay volatile until sync(), as if the node forgot to sync. At first true.
  // Turning it on syncs.
  void set_sync(bool every_commit);
  void sync();
  // The process dies: commits that were not synced are dropped but for the oldest `keep` of them (a
  // real disk may have written some), and the backends open on this disk fail from now on with
  // unavailable "disk_lost".
  void crash(std::size_t keep = 0);
  // What is synced, on a disk of its own: a backup. Faults that are asked for are not copied.
  std::shared_ptr<memory_disk> copy() const;
  // The `nth` commit from now (1: the next) fails with io "disk_failed" and changes nothing.
  void fail_commit(std::uint64_t nth = 1);
  void fail_witness(std::uint64_t nth = 1);
  // The next commit is never heard of: it fails with io "disk_failed", and is there all the same
  // (`whole`), or was cut off by the end of power and is not, as a log drops a record's beginning.
  void tear_commit(bool whole);

  std::uint64_t commits() const;
  std::size_t unsynced() const; // commits
  journal_position witness() const;

private:
  friend class memory_backend;
  using sorted = std::map<bytes, slice, std::less<>>;
  struct undo {
    table in;
    bytes key;
    std::optional<slice> before;
  };
  struct unsynced_commit {
    journal_position position_before;
    std::vector<undo> undone;
  };
  void apply(const write_batch::operation& op, std::vector<undo>* undone);

  mutable std::mutex mutex_;
  sorted tables_[table_count];
  journal_position position_ = 0, witness_ = 0;
  std::vector<unsynced_commit> unsynced_; // oldest first
  bool sync_ = true;
  std::uint64_t generation_ = 0; // of the backend that may use the disk
  std::uint64_t commits_ = 0, fail_commit_in_ = 0, fail_witness_in_ = 0; // 0: never
  bool fails_whole_ = false;
};

// One life of a node on a memory_disk.
class memory_backend final : public backend {
public:
  // Takes the disk over from whatever backend had it. Corrupt "store_behind_witness" as
  // rocks_backend says it. Shared because the disk outlives the node that runs on it.
  static result<std::unique_ptr<memory_backend>> open(std::shared_ptr<memory_disk> disk);

  result<std::optional<slice>> get(table in, byte_view key) override;
  result<std::vector<entry>> scan(table in, byte_view from, byte_view to,
                                  scan_limits limits) override;
  result<void> commit(std::span<const write_batch> batches, journal_position last) override;
  journal_position recovered() const override;
  result<void> bear_witness(journal_position position) override;

private:
  memory_backend(std::shared_ptr<memory_disk> disk, std::uint64_t generation)
      : disk_(std::move(disk)), generation_(generation) {}
  result<void> usable() const; // under the disk's mutex

  std::shared_ptr<memory_disk> disk_;
  std::uint64_t generation_;
};

} // namespace kith::store
