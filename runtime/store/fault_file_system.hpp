// The works of fault_disk: a RocksDB file system between RocksDB and the real one. Included by this
// folder's sources only.
#pragma once

#include "runtime/base/random.hpp"
#include "runtime/store/fault_disk.hpp"

#include <map>
#include <mutex>
#include <rocksdb/file_system.h>

namespace kith::store {

// A file that was written through the layer since the last restart.
struct fault_file {
  std::string path;          // where it lies now; follows renames
  std::uint64_t durable = 0; // bytes in the real file
  std::string tail;          // appended since, in memory only
  std::unique_ptr<rocksdb::FSWritableFile> real;
};

// All that the file system and its open files share. Everything under one mutex: this is no place
// for speed.
struct fault_state {
  enum class act { other, write, sync };

  mutable std::mutex mutex;
  fault_disk::options options;
  seeded_random chance{0};
  std::map<std::string, std::shared_ptr<fault_file>>
      files;                    // shared with the open handles; by normalized path
  std::uint64_t generation = 1; // raised by each cut; a handle of an older one is dead
  bool down = false, full = false;
  std::uint64_t cut_in = 0, fail_write_in = 0, fail_sync_in = 0; // countdowns; 0: never
  tear cut_how = tear::none;
  fault_counts counts;

  // Under the mutex: counts the act, strikes what is due, and says whether it may go on.
  rocksdb::IOStatus step(act what, std::uint64_t handle_generation);
  void cut(tear how);
  rocksdb::IOStatus make_durable(fault_file& file,
                                 std::size_t count); // the first `count` bytes of the tail
};

class fault_file_system final : public rocksdb::FileSystemWrapper {
public:
  using FO = rocksdb::FileOptions;
  using IO = rocksdb::IOOptions;
  using IOS = rocksdb::IOStatus;
  using DBG = rocksdb::IODebugContext;

  explicit fault_file_system(fault_disk::options o);
  static const char* kClassName() { return "kith_fault_file_system"; }
  const char* Name() const override { return kClassName(); }
  fault_state& state() { return *state_; }

  IOS NewSequentialFile(const std::string&, const FO&, std::unique_ptr<rocksdb::FSSequentialFile>*,
                        DBG*) override;
  IOS NewRandomAccessFile(const std::string&, const FO&,
                          std::unique_ptr<rocksdb::FSRandomAccessFile>*, DBG*) override;
  IOS NewWritableFile(const std::string&, const FO&, std::unique_ptr<rocksdb::FSWritableFile>*,
                      DBG*) override;
  IOS ReopenWritableFile(const std::string&, const FO&, std::unique_ptr<rocksdb::FSWritableFile>*,
                         DBG*) override;
  IOS ReuseWritableFile(const std::string&, const std::string&, const FO&,
                        std::unique_ptr<rocksdb::FSWritableFile>*, DBG*) override;
  IOS NewRandomRWFile(const std::string&, const FO&, std::unique_ptr<rocksdb::FSRandomRWFile>*,
                      DBG*) override;
  IOS NewMemoryMappedFileBuffer(const std::string&,
                                std::unique_ptr<rocksdb::MemoryMappedFileBuffer>*) override;
  IOS NewDirectory(const std::string&, const IO&, std::unique_ptr<rocksdb::FSDirectory>*,
                   DBG*) override;
  IOS FileExists(const std::string&, const IO&, DBG*) override;
  IOS GetChildren(const std::string&, const IO&, std::vector<std::string>*, DBG*) override;
  IOS GetChildrenFileAttributes(const std::string&, const IO&,
                                std::vector<rocksdb::FileAttributes>*, DBG*) override;
  IOS DeleteFile(const std::string&, const IO&, DBG*) override;
  IOS Truncate(const std::string&, std::size_t, const IO&, DBG*) override;
  IOS CreateDir(const std::string&, const IO&, DBG*) override;
  IOS CreateDirIfMissing(const std::string&, const IO&, DBG*) override;
  IOS DeleteDir(const std::string&, const IO&, DBG*) override;
  IOS GetFileSize(const std::string&, const IO&, std::uint64_t*, DBG*) override;
  IOS RenameFile(const std::string&, const std::string&, const IO&, DBG*) override;
  IOS LinkFile(const std::string&, const std::string&, const IO&, DBG*) override;
  IOS LockFile(const std::string&, const IO&, rocksdb::FileLock**, DBG*) override;
  IOS GetFreeSpace(const std::string&, const IO&, std::uint64_t*, DBG*) override;

private:
  IOS writable(const std::string& path, const FO& options, bool keep,
               std::unique_ptr<rocksdb::FSWritableFile>* out, DBG* dbg);
  IOS reader(const std::string& path, const FO& options,
             std::unique_ptr<rocksdb::FSRandomAccessFile>* out, DBG* dbg);

  std::shared_ptr<fault_state> state_; // shared: files may be closed after the file system went
};

} // namespace kith::store
