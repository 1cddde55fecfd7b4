// The system's sockets in our words.
#include "runtime/net/sockets.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace kith::net {
namespace {

constexpr int not_sent_low_water = 128 * 1024;
constexpr int keepalive_idle_s = 30, keepalive_interval_s = 10, keepalive_count = 3;
// "/proc/self/fd/<fd>/" takes at most 25 of the 107 bytes.
constexpr std::size_t unix_name_size_max = 80;

void set(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

} // namespace

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0) ::close(fd_);
}

std::string errno_text(int number) { return std::generic_category().message(number); }

std::string endpoint_text(const endpoint& e) {
  char text[INET6_ADDRSTRLEN] = {};
  if (e.family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&e.storage);
    ::inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(endpoint_port(e));
  }
  if (e.family() == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&e.storage);
    if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
      ::inet_ntop(AF_INET, in->sin6_addr.s6_addr + 12, text, sizeof text);
      return std::string(text) + ":" + std::to_string(endpoint_port(e));
    }
    ::inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(endpoint_port(e));
  }
  return "unix:";
}

std::uint16_t endpoint_port(const endpoint& e) {
  if (e.family() == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(&e.storage)->sin_port);
  if (e.family() == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&e.storage)->sin6_port);
  return 0;
}

std::optional<ip_address> endpoint_ip(const endpoint& e) {
  if (e.family() == AF_INET) {
    byte_array<4> octets;
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in*>(&e.storage)->sin_addr, 4);
    return ip_address::v4(octets);
  }
  if (e.family() == AF_INET6) {
    byte_array<16> octets;
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in6*>(&e.storage)->sin6_addr, 16);
    return ip_address::v6(octets);
  }
  return {};
}

std::vector<endpoint> numeric_endpoints(const address& a) {
  endpoint e;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&e.storage);
  if (::inet_pton(AF_INET, a.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(a.port);
    e.size = sizeof(sockaddr_in);
    return {e};
  }
  e = {};
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&e.storage);
  if (::inet_pton(AF_INET6, a.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(a.port);
    e.size = sizeof(sockaddr_in6);
    return {e};
  }
  return {};
}

result<unix_endpoint> resolve_unix(const std::string& path) {
  unix_endpoint out;
  auto* un = reinterpret_cast<sockaddr_un*>(&out.where.storage);
  un->sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof un->sun_path) {
    const auto slash = path.rfind('/');
    const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
    name = path.substr(slash == path.npos ? 0 : slash + 1);
    if (name.empty() || name.size() > unix_name_size_max)
      return fail(errc::invalid, "bad_address",
                  "the file name of unix:" + path + " has more than " +
                      std::to_string(unix_name_size_max) + " bytes");
    out.folder = unique_fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!out.folder) return fail(connect_error(errno, "unix:" + path));
    name = "/proc/self/fd/" + std::to_string(out.folder.get()) + "/" + name;
  }
  name.copy(un->sun_path, sizeof un->sun_path - 1);
  out.where.size = socklen_t(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  return out;
}

result<unique_fd> open_socket(int family) {
  unique_fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(errc::io, "no_socket", "no socket to be had: " + errno_text(errno));
  if (family != AF_UNIX) tune_tcp(fd.get());
  return fd;
}

void tune_tcp(int fd) {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, not_sent_low_water);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive_count);
}

error connect_error(int number, std::string_view where) {
  const std::string to(where);
  switch (number) {
  case ECONNREFUSED:
  case ENOENT:
  case ENOTDIR:
  case ECONNRESET:
  case EAGAIN: // a Unix socket whose backlog is full
    return {errc::unavailable, "connection_refused", "nothing answers at " + to};
  case EACCES:
  case EPERM: return {errc::forbidden, "address_forbidden", to + ": " + errno_text(number)};
  case ETIMEDOUT: return {errc::timeout, "connect_timeout", to + " did not answer in time"};
  default: return {errc::unavailable, "unreachable", to + ": " + errno_text(number)};
  }
}

error refused_address(std::string_view where, const std::optional<ip_address>& ip) {
  return {errc::forbidden, "address_refused",
          std::string(where) + (ip ? " is " + ip->text() : std::string(" is a Unix socket")) +
              ", which may not be dialled from here"};
}

error stream_error(int number, std::string_view where) {
  const std::string to(where);
  if (number == ECONNRESET || number == EPIPE)
    return {errc::unavailable, "connection_reset", to + " broke the connection off"};
  return {errc::unavailable, "connection_lost", to + ": " + errno_text(number)};
}

} // namespace kith::net
