// The HTTP server under the bench's load, and with idle followers.
#include "runtime/net/asio_network.hpp"
#include "runtime/net/bench/http_bench.hpp"
#include "runtime/net/http_server.hpp"

#include <arpa/inet.h>
#include <cstdio>
#include <fstream>
#include <latch>
#include <netinet/in.h>
#include <optional>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kith::net::bench {
namespace {

struct running_server {
  running_server(http_options options, http_handler handler) {
    reactor.start();
    reactor.call([&] {
      pin_thread(0);
      network.emplace(reactor);
      server.emplace(reactor, clock, std::move(options), std::move(handler));
      port = *network->listen("127.0.0.1:0", [this](std::unique_ptr<byte_stream> stream) {
        server->adopt(std::move(stream), false);
      });
    });
  }
  ~running_server() {
    reactor.call([&] {
      port.reset();
      server.reset();
      network.reset();
    });
    reactor.stop();
  }
  double cpu() {
    double out = 0;
    reactor.call([&] { out = thread_cpu_seconds(); });
    return out;
  }

  system_clock clock;
  asio_reactor reactor;
  std::optional<asio_network> network;
  std::optional<http_server> server;
  std::unique_ptr<listener> port;
};

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * std::size_t(::sysconf(_SC_PAGESIZE));
}

} // namespace

http_speed measure_kith_http(const http_load& load) {
  const std::string body(load.body_size, 'x');
  running_server s({}, [&](http_request, http_responder responder) {
    responder.respond(http_response::of(200, "application/did+ld+json", body));
  });
  const double before = s.cpu();
  const auto done = run_load(s.port->local_port(), load);
  return {double(done.answers) / done.seconds, (s.cpu() - before) / double(done.answers) * 1e6,
          done.answer_size};
}

double measure_idle_follower(std::size_t count) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max; // both ends are in this process
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::vector<std::shared_ptr<http_stream>> streams;
  streams.reserve(count);
  http_options options;
  options.connections_per_address_max = options.streams_max = count + 1;
  running_server s(options, [&](http_request, http_responder responder) {
    auto stream = responder.stream(http_response::of(200, "text/event-stream", std::string_view()));
    (*stream)->write(": welcome\n\n");
    streams.push_back(*stream);
  });
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(s.port->local_port());
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string request = "GET /events HTTP/1.1\r\nHost: localhost\r\n"
                              "Accept: text/event-stream\r\n\r\n";
  std::vector<int> followers;
  followers.reserve(count);
  const auto follow = [&] {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    char buffer[4096];
    if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
        ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0 ||
        ::recv(fd, buffer, sizeof buffer, 0) <= 0)
      std::perror("follower");
    followers.push_back(fd);
  };
  follow(); // what is made once is not counted
  const std::size_t before = resident_bytes();
  while (followers.size() < count) follow();
  s.reactor.call([] {});
  const double each = double(resident_bytes() - before) / double(count - 1);
  for (const int fd : followers) ::close(fd);
  s.reactor.call([&] { streams.clear(); });
  return each;
}

} // namespace kith::net::bench
