// The audit log's one writer (README.md).
#pragma once

#include "runtime/audit/audit_line.hpp"

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace kith::audit {

struct log_options {
  std::uint64_t file_size_max = 4 << 20; // a larger file is put aside
  std::size_t files_max = 16;            // of those put aside; the oldest go
  std::size_t waiting_max = 4096;        // lines; further ones are overloaded "audit_full"
};

// Where a file is put whose first line has this seq.
std::filesystem::path rotated_path(const std::filesystem::path& dir, std::uint64_t first);
// Those put aside, the oldest first. io "audit_failed".
result<std::vector<std::filesystem::path>> rotated_files(const std::filesystem::path& dir);
std::filesystem::path current_file(const std::filesystem::path& dir);

// Thread-safe, but for close() and the destructor.
class audit_log {
public:
  // Goes on behind the last line in `dir`. What a crash left of an unfinished line is taken off,
  // and a line "mended" says so. corrupt "audit_damaged" if the last whole line is none; io
  // "audit_failed". `time` outlives the log.
  static result<std::unique_ptr<audit_log>> open(const std::filesystem::path& dir,
                                                 const clock& time, log_options options = {});
  ~audit_log();
  audit_log(const audit_log&) = delete;

  // `done`, once, on the log's thread, when the line is synced, or cannot be: io "audit_failed",
  // after which every further one fails too; or at once overloaded "audit_full", unavailable
  // "audit_closed".
  void append(act what, std::function<void(result<void>)> done);
  // Whether append has a chance.
  result<void> usable() const;
  // Writes what waits.
  void close();

private:
  struct waiting {
    act what;
    std::function<void(result<void>)> done;
  };
  audit_log(std::filesystem::path dir, const clock& time, log_options options)
      : dir_(std::move(dir)), time_(time), options_(options) {}
  result<void> recover();
  result<void> adopt_last_of(const std::filesystem::path& file);
  result<void> open_current();
  result<void> write(const std::deque<waiting>& list);
  result<void> rotate();
  result<void> sync_dir();
  error failed(const std::string& what) const;
  void run();

  const std::filesystem::path dir_;
  const clock& time_;
  const log_options options_;

  // The writer's alone, once it runs.
  int fd_ = -1;
  std::uint64_t size_ = 0;  // of the current file
  std::uint64_t first_ = 1; // seq of its first line
  std::uint64_t seq_ = 0;   // of the last line
  digest head_{};           // and its digest
  std::size_t mended_ = 0;  // bytes that a crash left

  mutable std::mutex mutex_; // guards what follows
  std::condition_variable wake_;
  std::deque<waiting> waiting_;
  std::optional<error> failed_;
  bool closing_ = false;
  std::thread thread_;
};

} // namespace kith::audit
