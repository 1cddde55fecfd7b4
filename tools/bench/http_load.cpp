#include "tools/bench/http_load.hpp"

#include "runtime/base/clock.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kith::bench {

namespace {

constexpr int patience_ms = 30'000; // without any answer

error broken(std::string what) { return {errc::internal, "bench_answer", std::move(what)}; }
error broken_by_system(const char* what) {
  return broken(std::string(what) + ": " + std::strerror(errno));
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int yes = 1;
  if (fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 &&
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0)
    return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

struct file {
  int fd = -1;
  explicit file(int f) : fd(f) {}
  file(file&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  file& operator=(file&&) = delete;
  ~file() {
    if (fd >= 0) ::close(fd);
  }
};

struct peer {
  file socket;
  std::string got;
};

bool send_all(int fd, const std::string& text) {
  return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == ssize_t(text.size());
}

// Takes one whole answer from the front; its status, or 0 if more must come.
int take_answer(std::string& got) {
  const auto end = got.find("\r\n\r\n");
  if (end == got.npos || got.size() < 12) return 0;
  const auto length = got.find("Content-Length: ");
  const std::size_t body =
      length == got.npos || length > end ? 0 : std::stoul(got.substr(length + 16, 20));
  if (got.size() < end + 4 + body) return 0;
  const int status = std::atoi(got.c_str() + 9);
  got.erase(0, end + 4 + body);
  return status;
}

} // namespace

result<double> http_load_run(std::uint16_t port, std::vector<std::string> requests,
                             std::size_t connections, int status) {
  std::vector<peer> peers;
  file poll(::epoll_create1(EPOLL_CLOEXEC));
  connections = std::min(connections, requests.size());
  for (std::size_t i = 0; i < connections; ++i) {
    peers.push_back({file(connect_to(port)), {}});
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = std::uint32_t(i);
    if (peers.back().socket.fd < 0 ||
        ::epoll_ctl(poll.fd, EPOLL_CTL_ADD, peers.back().socket.fd, &event) != 0)
      return fail(broken_by_system("connect"));
  }
  kith::system_clock clock;
  const auto begin = clock.now();
  std::size_t sent = 0, answered = 0;
  for (const auto& p : peers)
    if (!send_all(p.socket.fd, requests[sent++])) return fail(broken_by_system("send"));
  while (answered < requests.size()) {
    epoll_event events[64];
    const int n = ::epoll_wait(poll.fd, events, 64, patience_ms);
    if (n <= 0) return fail(broken("no answer came"));
    for (int i = 0; i < n; ++i) {
      auto& p = peers[events[i].data.u32];
      char buffer[65536];
      const ssize_t size = ::recv(p.socket.fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (size <= 0) return fail(broken("the connection ended: " + p.got));
      p.got.append(buffer, std::size_t(size));
      auto before = p.got;
      const int got = take_answer(p.got);
      if (got == 0) continue;
      if (got != status) return fail(broken(before.substr(0, 1000)));
      ++answered;
      if (sent < requests.size() && !send_all(p.socket.fd, requests[sent++]))
        return fail(broken_by_system("send"));
    }
  }
  return double(answered) / std::chrono::duration<double>(clock.now() - begin).count();
}

result<held_connection> held_connection::open(std::uint16_t port, const std::string& request) {
  held_connection made(connect_to(port));
  if (made.fd_ < 0) return fail(broken_by_system("connect"));
  if (!send_all(made.fd_, request)) return fail(broken_by_system("send"));
  std::string got;
  char buffer[4096];
  while (got.find("\r\n\r\n") == got.npos) {
    const ssize_t size = ::recv(made.fd_, buffer, sizeof buffer, 0);
    if (size <= 0) return fail(broken("the connection ended: " + got));
    got.append(buffer, std::size_t(size));
  }
  if (got.compare(9, 3, "200") != 0) return fail(broken(got));
  return made;
}

held_connection::~held_connection() {
  if (fd_ >= 0) ::close(fd_);
}

} // namespace kith::bench
