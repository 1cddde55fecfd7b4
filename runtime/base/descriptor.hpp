// A file descriptor that closes with its scope.
#pragma once

#include <unistd.h>

namespace kith {

// Negative: there is none, and errno said why.
class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

private:
  int fd_;
};

} // namespace kith
