#include "runtime/backup/files.hpp"

#include "runtime/base/descriptor.hpp"
#include "runtime/identity/key_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kith::backup {

namespace {

tl::unexpected<error> failed(const char* doing, const std::filesystem::path& path) {
  return fail(errc::io, "backup_file",
              std::string("cannot ") + doing + " " + path.string() + ": " + std::strerror(errno));
}

} // namespace

result<std::optional<crypto::secret_buffer>> read_file(const std::filesystem::path& path,
                                                       std::size_t size_max) {
  const descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (in.get() < 0 && errno == ENOENT) return std::nullopt;
  struct stat about {};
  if (in.get() < 0 || ::fstat(in.get(), &about) != 0) return failed("read", path);
  if (!S_ISREG(about.st_mode))
    return fail(errc::io, "backup_file", path.string() + " is not a regular file");
  if (std::uint64_t(about.st_size) > size_max)
    return fail(errc::too_large, "backup_file_size",
                path.string() + " has more than " + std::to_string(size_max) + " bytes");
  crypto::secret_buffer out{std::size_t(about.st_size)};
  std::size_t got = 0;
  while (got < out.size()) {
    const auto n = ::read(in.get(), out.expose_mutable().data() + got, out.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", path);
    if (n == 0)
      return fail(errc::io, "backup_file", path.string() + " changed while it was read: try again");
    got += std::size_t(n);
  }
  return out;
}

result<void> write_file(const std::filesystem::path& path, byte_view contents,
                        random_source& random) {
  KITH_TRY(prepare_secret_directory(path.parent_path()));
  return create_secret_file(path, contents, random);
}

result<void> sync_directory(const std::filesystem::path& dir) {
  const descriptor at(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (at.get() < 0 || ::fsync(at.get()) != 0) return failed("sync", dir);
  return {};
}

} // namespace kith::backup
