// Whole small files.
#include "tools/kith/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace kith::cli {

result<> write_file(const std::filesystem::path& path, std::string_view text) {
  const auto failed = [&] {
    return fail(errc::io, "file_write",
                "cannot write " + path.string() + ": " + std::strerror(errno));
  };
  const auto beside = path.string() + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed();
  std::size_t written = 0;
  while (written < text.size()) {
    const auto n = ::write(fd, text.data() + written, text.size() - written);
    if (n < 0 && errno != EINTR) break;
    if (n > 0) written += std::size_t(n);
  }
  const bool synced = written == text.size() && ::fsync(fd) == 0;
  const bool closed = ::close(fd) == 0;
  if (!synced || !closed || ::rename(beside.c_str(), path.c_str()) != 0) return failed();
  return {};
}

std::string read_some(const std::filesystem::path& path, std::uintmax_t offset,
                      std::size_t size_max) {
  std::ifstream in(path, std::ios::binary);
  in.seekg(std::streamoff(offset));
  std::string text(size_max, '\0');
  in.read(text.data(), std::streamsize(size_max));
  text.resize(std::size_t(std::max<std::streamsize>(0, in.gcount())));
  return text;
}

} // namespace kith::cli
