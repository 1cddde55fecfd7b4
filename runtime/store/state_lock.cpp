// flock(2) on a file that is never deleted: deleting it would let two processes lock two files of
// one name.
#include "runtime/store/state_lock.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace kith::store {

namespace {

std::string holder(int fd) {
  char text[24] = {};
  auto size = ::pread(fd, text, sizeof text - 1, 0);
  std::string pid(text, size > 0 ? std::size_t(size) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  const auto digits = !pid.empty() && pid.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "process " + pid : "another process";
}

} // namespace

result<state_lock> state_lock::take(const std::filesystem::path& dir, mode how) {
  std::error_code ec;
  if (!std::filesystem::is_directory(dir, ec))
    return fail(errc::not_found, "state_dir_missing",
                dir.string() + " is not a directory; create it with init");
  const auto path = dir / "lock";
  state_lock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  auto failed = [&](const char* what) {
    return fail(errc::io, "lock_failed",
                std::string(what) + " " + path.string() + ": " + std::strerror(errno));
  };
  if (lock.fd_ < 0) return failed("cannot open");
  while (::flock(lock.fd_, (how == mode::exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return failed("cannot lock");
    return fail(errc::unavailable, "state_dir_locked",
                dir.string() + " is in use by " + holder(lock.fd_) +
                    "; stop it, or use another directory");
  }
  if (how == mode::exclusive) {
    const auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock.fd_, 0) != 0 ||
        ::pwrite(lock.fd_, pid.data(), pid.size(), 0) != ssize_t(pid.size()))
      return failed("cannot write");
  }
  return lock;
}

state_lock::~state_lock() {
  if (fd_ >= 0) ::close(fd_);
}

} // namespace kith::store
