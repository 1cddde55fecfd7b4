// Who may open a state directory: one node, or any number of readers of a stopped one. A lock of
// the kernel's, so that it goes with the process, however that ends.
#pragma once

#include "runtime/base/result.hpp"

#include <filesystem>

namespace kith::store {

class state_lock {
public:
  enum class mode { exclusive, shared };

  // Locks the file `lock` in `dir` with flock(2) and, if exclusive, writes the process id into it.
  // unavailable "state_dir_locked" names the directory and the holder; not_found
  // "state_dir_missing"; io "lock_failed".
  static result<state_lock> take(const std::filesystem::path& dir, mode how);

  state_lock() = default;
  state_lock(state_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  state_lock& operator=(state_lock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~state_lock();

private:
  explicit state_lock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

} // namespace kith::store
