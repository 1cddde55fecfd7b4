// What the real network and the blocking client both need of the system's sockets: descriptors that
// close themselves, socket addresses, and errors in our words. For this folder only.
#pragma once

#include "runtime/net/network.hpp"

#include <sys/socket.h>
#include <vector>

namespace kith::net {

// A file descriptor that closes itself.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

private:
  int fd_ = -1;
};

struct endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// "192.0.2.1:4711" (also for such an address within IPv6), "[2001:db8::1]:4711", "unix:/path" or
// "unix:".
std::string endpoint_text(const endpoint& e);
std::uint16_t endpoint_port(const endpoint& e);
// Nothing for a Unix socket.
std::optional<ip_address> endpoint_ip(const endpoint& e);
// Empty if `host` is not a number.
std::vector<endpoint> numeric_endpoints(const address& a);
// The endpoint of a Unix socket's path. A path too long for sockaddr_un is named through its
// folder's descriptor, which is then in `folder` and must stay open while the endpoint is used.
// Errors: invalid "bad_address" (a name of more than 80 bytes in such a path), unavailable
// "connection_refused" (no such folder).
struct unix_endpoint {
  endpoint where;
  unique_fd folder;
};
result<unix_endpoint> resolve_unix(const std::string& path);

// An open, non-blocking socket, tuned for messages if it is TCP: TCP_NODELAY, keepalive,
// TCP_NOTSENT_LOWAT.
result<unique_fd> open_socket(int family);
void tune_tcp(int fd);

// errno of a connect, read or write.
error connect_error(int number, std::string_view where);
// A connect_options::allow said no; to a Unix socket if there is no `ip`.
error refused_address(std::string_view where, const std::optional<ip_address>& ip);
error stream_error(int number, std::string_view where);
std::string errno_text(int number);

} // namespace kith::net
