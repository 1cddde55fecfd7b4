// Every check is made on the open file, not on its name, so that nothing can be put in its place in
// between.
#include "runtime/identity/key_file.hpp"

#include "runtime/base/descriptor.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace kith {
namespace {

using std::filesystem::path;

// From errno, so it is called first thing after what failed.
error system_error(std::string code, const char* doing, const path& name) {
  auto why = std::generic_category().message(errno);
  return {errc::io, std::move(code),
          std::string("cannot ") + doing + " " + name.string() + ": " + why};
}

tl::unexpected<error> too_open(const path& name, const char* mode) {
  return fail(errc::forbidden, "key_permissions",
              name.string() + " can be read or changed by others: run chmod " + mode + " " +
                  name.string());
}

constexpr mode_t others = S_IRWXG | S_IRWXO;

bool write_all(int fd, byte_view b) {
  while (!b.empty()) {
    auto n = ::write(fd, b.data(), b.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    b = b.subspan(std::size_t(n));
  }
  return true;
}

// As many bytes as the file has, up to out.size(); -1 on an error.
ssize_t read_all(int fd, std::span<std::uint8_t> out) {
  std::size_t got = 0;
  while (got < out.size()) {
    auto n = ::read(fd, out.data() + got, out.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    got += std::size_t(n);
  }
  return ssize_t(got);
}

path directory_of(const path& name) {
  return name.has_parent_path() ? name.parent_path() : path(".");
}

result<void> sync_directory(const path& dir) {
  const descriptor opened(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::fsync(opened.get()) != 0) return fail(system_error("secret_file", "sync", dir));
  return {};
}

} // namespace

result<crypto::secret_buffer> load_secret_file(const path& name, bool follow_links) {
  // O_NONBLOCK: opening a pipe must not wait for whoever writes to it.
  const descriptor opened(
      ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow_links ? 0 : O_NOFOLLOW)));
  if (!opened && errno == ENOENT)
    return fail(errc::not_found, "no_secret_file", name.string() + " does not exist");
  if (!opened && errno == ELOOP)
    return fail(errc::forbidden, "key_permissions",
                name.string() + " is a symbolic link: put the file itself there");
  if (!opened) return fail(system_error("secret_file", "open", name));
  struct stat about {};
  if (::fstat(opened.get(), &about) != 0) return fail(system_error("secret_file", "examine", name));
  if (!S_ISREG(about.st_mode))
    return fail(errc::forbidden, "key_permissions", name.string() + " is not a regular file");
  if ((about.st_mode & others) != 0) return too_open(name, "600");

  crypto::secret_buffer read(secret_file_size_max + 1);
  auto size = read_all(opened.get(), read.expose_mutable());
  if (size < 0) return fail(system_error("secret_file", "read", name));
  if (std::size_t(size) > secret_file_size_max)
    return fail(errc::too_large, "secret_file_size",
                name.string() + " has more than " + std::to_string(secret_file_size_max) +
                    " bytes");
  return crypto::secret_buffer(read.expose().first(std::size_t(size)));
}

// A synced file beside `name`, to be put in its place.
static result<path> write_beside(const path& name, byte_view contents, random_source& random) {
  byte_array<8> suffix;
  random.fill(suffix);
  path temporary = name.string() + "." + to_hex(suffix) + ".new";
  const descriptor made(::open(
      temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!made) return fail(system_error("secret_file", "create", temporary));
  // fchmod, because an odd umask could have taken the owner's own rights away.
  if (::fchmod(made.get(), S_IRUSR | S_IWUSR) != 0 || !write_all(made.get(), contents) ||
      ::fsync(made.get()) != 0) {
    auto failed = system_error("secret_file", "write", temporary);
    ::unlink(temporary.c_str());
    return fail(std::move(failed));
  }
  return temporary;
}

result<void> replace_secret_file(const path& name, byte_view contents, random_source& random) {
  KITH_ASSIGN(auto temporary, write_beside(name, contents, random));
  if (::rename(temporary.c_str(), name.c_str()) != 0) {
    auto failed = system_error("secret_file", "replace", name);
    ::unlink(temporary.c_str());
    return fail(std::move(failed));
  }
  return sync_directory(directory_of(name));
}

result<void> create_secret_file(const path& name, byte_view contents, random_source& random) {
  KITH_ASSIGN(auto temporary, write_beside(name, contents, random));
  // A link, not a rename: it fails where a file is already.
  if (::link(temporary.c_str(), name.c_str()) != 0) {
    bool there = errno == EEXIST;
    auto failed = system_error("secret_file", "create", name);
    ::unlink(temporary.c_str());
    if (there)
      return fail(errc::exists, "secret_file_exists",
                  name.string() + " exists already and was left as it is");
    return fail(std::move(failed));
  }
  ::unlink(temporary.c_str());
  return sync_directory(directory_of(name));
}

result<void> prepare_secret_directory(const path& dir) {
  if (::mkdir(dir.c_str(), S_IRWXU) == 0) return sync_directory(directory_of(dir));
  if (errno != EEXIST) return fail(system_error("key_directory", "create", dir));
  const descriptor opened(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return fail(system_error("key_directory", "open", dir));
  struct stat about {};
  if (::fstat(opened.get(), &about) != 0)
    return fail(system_error("key_directory", "examine", dir));
  if ((about.st_mode & others) != 0) return too_open(dir, "700");
  return {};
}

result<crypto::secret_buffer> read_secret_file(const path& name) {
  KITH_ASSIGN(auto contents, load_secret_file(name, true));
  auto secret = contents.expose();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r'))
    secret = secret.first(secret.size() - 1);
  if (secret.size() < secret_size_min)
    return fail(errc::invalid, "secret_too_short",
                name.string() + " holds less than " + std::to_string(secret_size_min) +
                    " bytes: make one with openssl rand -hex 32");
  return crypto::secret_buffer(secret);
}

result<void> write_secret_file(const path& name, byte_view secret, random_source& random) {
  if (secret.size() < secret_size_min || secret.size() >= secret_file_size_max ||
      secret.back() == '\n' || secret.back() == '\r')
    return fail(errc::invalid, "bad_secret",
                "a cluster secret has 16 to 1023 bytes and does not end in a newline");
  crypto::secret_buffer line(secret.size() + 1);
  std::memcpy(line.expose_mutable().data(), secret.data(), secret.size());
  line.expose_mutable().back() = '\n';
  return create_secret_file(name, line.expose(), random);
}

} // namespace kith
