// The client of the HTTP bench: plain sockets and epoll, so that it costs as little as it can.
#include "runtime/net/bench/http_bench.hpp"

#include "runtime/base/clock.hpp"

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace kith::net::bench {
namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) give_up("connect");
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

void send_all(int fd, const std::string& text) {
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != ssize_t(text.size())) give_up("send");
}

// The size of one answer, learnt from a first request.
std::size_t learn_answer_size(int fd, const std::string& request) {
  send_all(fd, request);
  std::string got;
  for (char buffer[65536];;) {
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) give_up("recv");
    got.append(buffer, std::size_t(n));
    const auto end = got.find("\r\n\r\n");
    const auto length = got.find("Content-Length: ");
    if (end == got.npos || length == got.npos) continue;
    const std::size_t size = end + 4 + std::stoul(got.substr(length + 16));
    if (got.size() == size) return size;
  }
}

} // namespace

load_result run_load(std::uint16_t port, const http_load& load) {
  const std::string request = "GET " + load.target +
                              " HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\n"
                              "Accept: application/did+ld+json\r\n\r\n";
  load_result out;
  struct peer {
    int fd;
    std::size_t got = 0;
  };
  std::vector<peer> peers;
  const int poll = ::epoll_create1(0);
  for (int i = 0; i < load.connections; ++i) {
    peers.push_back({connect_to(port)});
    if (i == 0) out.answer_size = learn_answer_size(peers[0].fd, request);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = std::uint32_t(i);
    ::epoll_ctl(poll, EPOLL_CTL_ADD, peers.back().fd, &event);
  }
  system_clock clock;
  const time_point begin = clock.now();
  for (const auto& p : peers) send_all(p.fd, request);
  while (out.seconds < load.seconds) {
    epoll_event events[64];
    const int n = ::epoll_wait(poll, events, 64, 1000);
    for (int i = 0; i < n; ++i) {
      peer& p = peers[events[i].data.u32];
      static char buffer[65536];
      const ssize_t size = ::recv(p.fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (size <= 0) give_up("recv");
      p.got += std::size_t(size);
      if (p.got < out.answer_size) continue;
      p.got = 0;
      ++out.answers;
      send_all(p.fd, request);
    }
    out.seconds = std::chrono::duration<double>(clock.now() - begin).count();
  }
  for (const auto& p : peers) ::close(p.fd);
  ::close(poll);
  return out;
}

void pin_thread(unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set); // fails where there is only one
}

double thread_cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
}

} // namespace kith::net::bench
