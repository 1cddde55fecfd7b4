#include "tools/bench/disk_sync.hpp"

#include "runtime/base/clock.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace kith::bench {

namespace {

struct open_file {
  explicit open_file(std::string at)
      : path(std::move(at)),
        fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}
  open_file(const open_file&) = delete;
  ~open_file() {
    if (fd < 0) return;
    ::close(fd);
    ::unlink(path.c_str());
  }
  std::string path;
  int fd;
};

} // namespace

result<std::vector<double>> sync_times(const std::string& dir, std::size_t size,
                                       std::size_t count) {
  auto failed = [&] { return fail(errc::io, "disk_failed", "writing in " + dir); };
  open_file file(dir + "/sync-bench");
  if (file.fd < 0 || ::fallocate(file.fd, FALLOC_FL_KEEP_SIZE, 0, off_t(size * (count + 1))) != 0)
    return failed();
  const std::string text(size, 'x');
  const system_clock clock;
  std::vector<double> times;
  times.reserve(count);
  for (std::size_t i = 0; i <= count; ++i) {
    const auto begin = clock.now();
    if (::write(file.fd, text.data(), size) != ssize_t(size) || ::fdatasync(file.fd) != 0)
      return failed();
    if (i > 0) // the first warms up
      times.push_back(std::chrono::duration<double, std::micro>(clock.now() - begin).count());
  }
  return times;
}

} // namespace kith::bench
