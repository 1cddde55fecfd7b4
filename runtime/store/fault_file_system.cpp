// Each file is its durable part, in the real file, and a tail in memory that only a sync moves
// over. Readers see both. A cut forgets the tails; what was open before it is dead.
#include "runtime/store/fault_file_system.hpp"

#include <algorithm>
#include <filesystem>

namespace kith::store {

using rocksdb::IOStatus;
using act = fault_state::act;

namespace {

using IO = rocksdb::IOOptions;
using DBG = rocksdb::IODebugContext;

// RocksDB spells one path in several ways ("db//CURRENT").
std::string normal(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

class writable_file final : public rocksdb::FSWritableFile {
public:
  writable_file(std::shared_ptr<fault_state> state, std::shared_ptr<fault_file> file)
      : state_(std::move(state)), file_(std::move(file)), generation_(state_->generation) {}

  using FSWritableFile::Append;
  IOStatus Append(const rocksdb::Slice& data, const IO&, DBG*) override {
    std::lock_guard lock(state_->mutex);
    if (auto s = state_->step(act::write, generation_); !s.ok()) return s;
    file_->tail.append(data.data(), data.size());
    return IOStatus::OK();
  }

  IOStatus Sync(const IO& options, DBG* dbg) override {
    std::lock_guard lock(state_->mutex);
    if (auto s = state_->step(act::sync, generation_); !s.ok()) return s;
    if (auto s = state_->make_durable(*file_, file_->tail.size()); !s.ok()) return s;
    return state_->options.device_sync ? file_->real->Fsync(options, dbg) : IOStatus::OK();
  }

  bool IsSyncThreadSafe() const override { return true; }
  IOStatus Flush(const IO&, DBG*) override { return check(); }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IO&, DBG*) override { return check(); }

  IOStatus Truncate(std::uint64_t size, const IO& options, DBG* dbg) override {
    std::lock_guard lock(state_->mutex);
    if (auto s = state_->step(act::write, generation_); !s.ok()) return s;
    if (size >= file_->durable) {
      file_->tail.resize(size - file_->durable);
      return IOStatus::OK();
    }
    file_->tail.clear();
    file_->durable = size;
    return file_->real->Truncate(size, options, dbg);
  }

  // What was not synced stays volatile and visible: the layer keeps such a file until it is cut, or
  // deleted.
  IOStatus Close(const IO& options, DBG* dbg) override {
    std::lock_guard lock(state_->mutex);
    if (auto s = state_->step(act::other, generation_); !s.ok()) return s;
    if (!file_->tail.empty()) return IOStatus::OK();
    auto listed = state_->files.find(file_->path);
    if (listed != state_->files.end() && listed->second == file_) state_->files.erase(listed);
    return file_->real->Close(options, dbg);
  }

  std::uint64_t GetFileSize(const IO&, DBG*) override {
    std::lock_guard lock(state_->mutex);
    return file_->durable + file_->tail.size();
  }

private:
  IOStatus check() {
    std::lock_guard lock(state_->mutex);
    return state_->step(act::other, generation_);
  }

  std::shared_ptr<fault_state> state_;
  std::shared_ptr<fault_file> file_; // shared with the file system's list
  const std::uint64_t generation_;
};

class random_file final : public rocksdb::FSRandomAccessFile {
public:
  // `file` is null for one that was not written through the layer.
  random_file(std::shared_ptr<fault_state> state, std::shared_ptr<fault_file> file,
              std::unique_ptr<rocksdb::FSRandomAccessFile> real)
      : state_(std::move(state)), file_(std::move(file)), real_(std::move(real)),
        generation_(state_->generation) {}

  IOStatus Read(std::uint64_t offset, std::size_t n, const IO& options, rocksdb::Slice* result,
                char* scratch, DBG* dbg) const override {
    std::unique_lock lock(state_->mutex);
    if (auto s = state_->step(act::other, generation_); !s.ok()) return s;
    if (!file_) {
      lock.unlock();
      return real_->Read(offset, n, options, result, scratch, dbg);
    }
    std::size_t got = 0;
    if (offset < file_->durable) {
      const auto want = std::size_t(std::min<std::uint64_t>(n, file_->durable - offset));
      if (auto s = real_->Read(offset, want, options, result, scratch, dbg); !s.ok()) return s;
      if (result->data() != scratch) std::memmove(scratch, result->data(), result->size());
      got = result->size();
    }
    const auto end = file_->durable + file_->tail.size();
    if (got < n && offset + got >= file_->durable && offset + got < end) {
      const auto from = std::size_t(offset + got - file_->durable);
      const auto count = std::min(n - got, file_->tail.size() - from);
      std::memcpy(scratch + got, file_->tail.data() + from, count);
      got += count;
    }
    *result = rocksdb::Slice(scratch, got);
    return IOStatus::OK();
  }

private:
  std::shared_ptr<fault_state> state_;
  std::shared_ptr<fault_file> file_; // shared with the file system's list and its writer
  std::unique_ptr<rocksdb::FSRandomAccessFile> real_;
  const std::uint64_t generation_;
};

class sequential_file final : public rocksdb::FSSequentialFile {
public:
  explicit sequential_file(std::unique_ptr<rocksdb::FSRandomAccessFile> file)
      : file_(std::move(file)) {}

  IOStatus Read(std::size_t n, const IO& options, rocksdb::Slice* result, char* scratch,
                DBG* dbg) override {
    auto s = file_->Read(at_, n, options, result, scratch, dbg);
    if (s.ok()) at_ += result->size();
    return s;
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

private:
  std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
  std::uint64_t at_ = 0;
};

class directory final : public rocksdb::FSDirectory {
public:
  directory(std::shared_ptr<fault_state> state, std::unique_ptr<rocksdb::FSDirectory> real)
      : state_(std::move(state)), real_(std::move(real)), generation_(state_->generation) {}

  IOStatus Fsync(const IO& options, DBG* dbg) override {
    {
      std::lock_guard lock(state_->mutex);
      if (auto s = state_->step(act::other, generation_); !s.ok()) return s;
      if (!state_->options.device_sync) return IOStatus::OK();
    }
    return real_->Fsync(options, dbg);
  }
  IOStatus Close(const IO& options, DBG* dbg) override { return real_->Close(options, dbg); }

private:
  std::shared_ptr<fault_state> state_;
  std::unique_ptr<rocksdb::FSDirectory> real_;
  const std::uint64_t generation_;
};

} // namespace

fault_file_system::fault_file_system(fault_disk::options o)
    : FileSystemWrapper(FileSystem::Default()), state_(std::make_shared<fault_state>()) {
  state_->options = o;
  state_->chance = seeded_random(o.seed);
}

// Refuses a path operation while the disk is cut off.
#define KITH_DISK_IS_UP()                                                                          \
  std::lock_guard lock(state_->mutex);                                                             \
  if (auto s = state_->step(act::other, state_->generation); !s.ok()) return s

IOStatus fault_file_system::writable(const std::string& path, const FO& options, bool keep,
                                     std::unique_ptr<rocksdb::FSWritableFile>* out, DBG* dbg) {
  KITH_DISK_IS_UP();
  const auto key = normal(path);
  if (auto listed = state_->files.find(key); keep && listed != state_->files.end()) {
    *out = std::make_unique<writable_file>(state_, listed->second);
    return IOStatus::OK();
  }
  auto file = std::make_shared<fault_file>();
  file->path = key;
  if (keep && target_->FileExists(path, {}, dbg).ok())
    if (auto s = target_->GetFileSize(path, {}, &file->durable, dbg); !s.ok()) return s;
  auto plain = options;
  plain.use_mmap_writes = plain.use_direct_writes = false; // appends must reach the kernel at once
  auto s = keep ? target_->ReopenWritableFile(path, plain, &file->real, dbg)
                : target_->NewWritableFile(path, plain, &file->real, dbg);
  if (!s.ok()) return s;
  state_->files[key] = file;
  *out = std::make_unique<writable_file>(state_, file);
  return s;
}

IOStatus fault_file_system::reader(const std::string& path, const FO& options,
                                   std::unique_ptr<rocksdb::FSRandomAccessFile>* out, DBG* dbg) {
  KITH_DISK_IS_UP();
  std::unique_ptr<rocksdb::FSRandomAccessFile> real;
  auto plain = options;
  plain.use_mmap_reads = plain.use_direct_reads = false;
  if (auto s = target_->NewRandomAccessFile(path, plain, &real, dbg); !s.ok()) return s;
  auto listed = state_->files.find(normal(path));
  auto file = listed == state_->files.end() ? nullptr : listed->second;
  *out = std::make_unique<random_file>(state_, std::move(file), std::move(real));
  return IOStatus::OK();
}

IOStatus fault_file_system::NewSequentialFile(const std::string& path, const FO& options,
                                              std::unique_ptr<rocksdb::FSSequentialFile>* out,
                                              DBG* dbg) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  auto s = reader(path, options, &file, dbg);
  if (s.ok()) *out = std::make_unique<sequential_file>(std::move(file));
  return s;
}

IOStatus fault_file_system::NewRandomAccessFile(const std::string& path, const FO& options,
                                                std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
                                                DBG* dbg) {
  return reader(path, options, out, dbg);
}

IOStatus fault_file_system::NewWritableFile(const std::string& path, const FO& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* out,
                                            DBG* dbg) {
  return writable(path, options, false, out, dbg);
}

IOStatus fault_file_system::ReopenWritableFile(const std::string& path, const FO& options,
                                               std::unique_ptr<rocksdb::FSWritableFile>* out,
                                               DBG* dbg) {
  return writable(path, options, true, out, dbg);
}

IOStatus fault_file_system::ReuseWritableFile(const std::string& path, const std::string& old_path,
                                              const FO& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* out,
                                              DBG* dbg) {
  if (auto s = RenameFile(old_path, path, {}, dbg); !s.ok()) return s;
  return NewWritableFile(path, options, out, dbg);
}

IOStatus fault_file_system::NewRandomRWFile(const std::string&, const FO&,
                                            std::unique_ptr<rocksdb::FSRandomRWFile>*, DBG*) {
  return IOStatus::NotSupported("the fault layer only appends");
}

IOStatus
fault_file_system::NewMemoryMappedFileBuffer(const std::string&,
                                             std::unique_ptr<rocksdb::MemoryMappedFileBuffer>*) {
  return IOStatus::NotSupported("the fault layer maps nothing");
}

IOStatus fault_file_system::NewDirectory(const std::string& path, const IO& options,
                                         std::unique_ptr<rocksdb::FSDirectory>* out, DBG* dbg) {
  KITH_DISK_IS_UP();
  std::unique_ptr<rocksdb::FSDirectory> real;
  if (auto s = target_->NewDirectory(path, options, &real, dbg); !s.ok()) return s;
  *out = std::make_unique<directory>(state_, std::move(real));
  return IOStatus::OK();
}

IOStatus fault_file_system::FileExists(const std::string& path, const IO& options, DBG* dbg) {
  KITH_DISK_IS_UP();
  return target_->FileExists(path, options, dbg);
}

IOStatus fault_file_system::GetChildren(const std::string& path, const IO& options,
                                        std::vector<std::string>* out, DBG* dbg) {
  KITH_DISK_IS_UP();
  return target_->GetChildren(path, options, out, dbg);
}

// By way of GetChildren and GetFileSize, which know of the tails.
IOStatus fault_file_system::GetChildrenFileAttributes(const std::string& path, const IO& options,
                                                      std::vector<rocksdb::FileAttributes>* out,
                                                      DBG* dbg) {
  return FileSystem::GetChildrenFileAttributes(path, options, out, dbg);
}

IOStatus fault_file_system::DeleteFile(const std::string& path, const IO& options, DBG* dbg) {
  KITH_DISK_IS_UP();
  auto s = target_->DeleteFile(path, options, dbg);
  if (s.ok()) state_->files.erase(normal(path));
  return s;
}

IOStatus fault_file_system::Truncate(const std::string& path, std::size_t size, const IO& options,
                                     DBG* dbg) {
  KITH_DISK_IS_UP();
  if (state_->files.contains(normal(path)))
    return IOStatus::NotSupported("the file is being written");
  return target_->Truncate(path, size, options, dbg);
}

IOStatus fault_file_system::CreateDir(const std::string& path, const IO& options, DBG* dbg) {
  KITH_DISK_IS_UP();
  return target_->CreateDir(path, options, dbg);
}

IOStatus fault_file_system::CreateDirIfMissing(const std::string& path, const IO& options,
                                               DBG* dbg) {
  KITH_DISK_IS_UP();
  return target_->CreateDirIfMissing(path, options, dbg);
}

IOStatus fault_file_system::DeleteDir(const std::string& path, const IO& options, DBG* dbg) {
  KITH_DISK_IS_UP();
  return target_->DeleteDir(path, options, dbg);
}

IOStatus fault_file_system::GetFileSize(const std::string& path, const IO& options,
                                        std::uint64_t* size, DBG* dbg) {
  KITH_DISK_IS_UP();
  auto listed = state_->files.find(normal(path));
  if (listed == state_->files.end()) return target_->GetFileSize(path, options, size, dbg);
  *size = listed->second->durable + listed->second->tail.size();
  return IOStatus::OK();
}

IOStatus fault_file_system::RenameFile(const std::string& from, const std::string& to,
                                       const IO& options, DBG* dbg) {
  KITH_DISK_IS_UP();
  if (auto s = target_->RenameFile(from, to, options, dbg); !s.ok()) return s;
  const auto key = normal(to);
  state_->files.erase(key);
  if (auto moved = state_->files.extract(normal(from))) {
    moved.key() = moved.mapped()->path = key;
    state_->files.insert(std::move(moved));
  }
  return IOStatus::OK();
}

IOStatus fault_file_system::LinkFile(const std::string&, const std::string&, const IO&, DBG*) {
  return IOStatus::NotSupported("the fault layer does not follow links");
}

// Unlocking is always let through, so that a backend can be destroyed after a cut.
IOStatus fault_file_system::LockFile(const std::string& path, const IO& options,
                                     rocksdb::FileLock** lock_out, DBG* dbg) {
  KITH_DISK_IS_UP();
  return target_->LockFile(path, options, lock_out, dbg);
}

IOStatus fault_file_system::GetFreeSpace(const std::string& path, const IO& options,
                                         std::uint64_t* bytes, DBG* dbg) {
  KITH_DISK_IS_UP();
  *bytes = 0;
  return state_->full ? IOStatus::OK() : target_->GetFreeSpace(path, options, bytes, dbg);
}

#undef KITH_DISK_IS_UP

} // namespace kith::store
