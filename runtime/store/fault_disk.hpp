// A disk that fails as disks do, put under a rocks_backend by an option: it keeps written bytes in
// this process's memory until they are synced, so that a SIGKILL really loses what was not
// (semantics.md 26), and can be told to lose power, to tear, to fail and to be full. For tests and
// for whole processes under test; never in production.
#pragma once

#include <cstdint>
#include <memory>

namespace kith::store {

class fault_file_system;

// What became of the last, unsynced bytes of each file when the power went.
enum class tear : std::uint8_t {
  none,   // all of them are lost
  prefix, // a random part from their beginning reached the disk
};

struct fault_counts {
  std::uint64_t cuts = 0;
  std::uint64_t files_torn = 0;    // files of which a cut kept a part
  std::uint64_t bytes_dropped = 0; // by cuts
  std::uint64_t writes_failed = 0; // those failed on purpose, also for want of space
  std::uint64_t syncs_failed = 0;
  std::uint64_t writes = 0, syncs = 0; // all that were asked for
};

// Thread-safe. Creating, renaming and deleting a file are durable at once; contents are not. Hints
// to the kernel (sync_file_range) make nothing durable.
class fault_disk {
public:
  struct options {
    std::uint64_t seed = 0; // of the torn lengths
    // False: a sync hands bytes to the kernel and does not wait for the device. That is enough to
    // survive the death of the process, and hundreds of cuts take seconds.
    bool device_sync = true;
  };

  fault_disk() : fault_disk(options{0, true}) {}
  explicit fault_disk(options o);
  ~fault_disk();
  fault_disk(const fault_disk&) = delete;
  fault_disk& operator=(const fault_disk&) = delete;

  // The power goes: unsynced bytes are dropped, and every operation fails until restore(). Destroy
  // the backends that used the disk before restore(); files that were open stay dead.
  void cut(tear how = tear::none);
  // The same, in the middle of the `nth` write or sync from now (1: the next), which fails.
  void cut_at(std::uint64_t nth, tear how);
  void restore();
  bool is_cut() const;

  // The `nth` write or sync from now (1: the next) fails once with an I/O error.
  void fail_write(std::uint64_t nth);
  void fail_sync(std::uint64_t nth);
  // While full, writes fail for want of space and no room is reported.
  void set_full(bool full);

  fault_counts counts() const;

  // For rocks_backend; shared because RocksDB keeps it as long as its files.
  const std::shared_ptr<fault_file_system>& file_system() const { return file_system_; }

private:
  std::shared_ptr<fault_file_system> file_system_;
};

} // namespace kith::store
