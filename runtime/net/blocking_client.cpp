// A blocking client of a node's control socket.
#include "runtime/net/blocking_client.hpp"
#include "runtime/net/sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>

namespace kith::net {
namespace {

// poll(2) wants whole milliseconds; rounded up, so that a deadline has really passed after it.
int milliseconds_until(time_point deadline) {
  const auto left = deadline - system_clock().now();
  if (left <= duration::zero()) return 0;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return int(std::min<std::int64_t>(ms, 2'000'000'000));
}

// Whether `fd` became ready for `events` before the deadline.
bool wait_for(int fd, short events, time_point deadline) {
  pollfd p{fd, events, 0};
  for (;;) {
    const int n = ::poll(&p, 1, milliseconds_until(deadline));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

tl::unexpected<error> went_away() {
  return fail(errc::unavailable, "node_went_away", "the node closed the connection");
}

} // namespace

struct blocking_client::impl {
  unique_fd fd;
  std::string buffer;       // received, not yet handed out
  std::size_t searched = 0; // of it, known to hold no line feed
};

blocking_client::blocking_client(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
blocking_client::blocking_client(blocking_client&&) noexcept = default;
blocking_client& blocking_client::operator=(blocking_client&&) noexcept = default;
blocking_client::~blocking_client() = default;

result<blocking_client> blocking_client::connect(const std::string& path, duration timeout) {
  const auto not_running = [&] {
    return fail(errc::unavailable, "node_not_running", "no node is running at " + path);
  };
  const auto at = resolve_unix(path);
  if (!at) {
    if (at.error().code == "connection_refused") return not_running();
    return fail(at.error());
  }
  KITH_ASSIGN(unique_fd fd, open_socket(AF_UNIX));
  const time_point deadline = system_clock().now() + timeout;
  while (::connect(fd.get(), at->where.get(), at->where.size) != 0) {
    switch (errno) {
    case EINTR: continue;
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED: return not_running();
    case EACCES:
    case EPERM: return fail(errc::forbidden, "socket_forbidden", path + " belongs to another user");
    case EAGAIN: // its backlog is full: nothing to poll for, so look again soon
      if (system_clock().now() >= deadline)
        return fail(errc::timeout, "node_busy", "the node at " + path + " takes no connections");
      ::poll(nullptr, 0, std::min(10, milliseconds_until(deadline)));
      continue;
    default: return fail(errc::io, "socket_failed", path + ": " + errno_text(errno));
    }
  }
  return blocking_client(std::make_unique<impl>(impl{std::move(fd), {}, 0}));
}

result<> blocking_client::write_line(std::string_view line, duration timeout) {
  if (line.find('\n') != line.npos)
    return fail(errc::invalid, "line_feed_in_line", "a line cannot hold a line feed");
  const time_point deadline = system_clock().now() + timeout;
  const std::string out = std::string(line) + "\n";
  std::size_t sent = 0;
  while (sent < out.size()) {
    const ssize_t n = ::send(impl_->fd.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += std::size_t(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(impl_->fd.get(), POLLOUT, deadline))
        return fail(errc::timeout, "write_timeout", "the node does not take the request");
    } else if (errno != EINTR) {
      return went_away();
    }
  }
  return {};
}

result<std::string> blocking_client::read_line(std::size_t size_max, duration timeout) {
  const time_point deadline = system_clock().now() + timeout;
  for (;;) {
    std::string& buffer = impl_->buffer;
    const auto end = buffer.find('\n', impl_->searched);
    if ((end == buffer.npos ? buffer.size() : end) > size_max)
      return fail(errc::too_large, "line_too_long",
                  "the node's answer has more than " + std::to_string(size_max) + " bytes");
    if (end != buffer.npos) {
      std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      impl_->searched = 0;
      return line;
    }
    impl_->searched = buffer.size();
    char chunk[64 * 1024];
    const ssize_t n = ::recv(impl_->fd.get(), chunk, sizeof chunk, 0);
    if (n > 0) {
      buffer.append(chunk, std::size_t(n));
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!wait_for(impl_->fd.get(), POLLIN, deadline))
        return fail(errc::timeout, "read_timeout", "the node did not answer in time");
    } else if (n == 0 || errno != EINTR) {
      return went_away();
    }
  }
}

} // namespace kith::net
