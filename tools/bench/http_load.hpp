// A client for measuring: plain sockets and epoll, so that it costs little beside the server.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kith::bench {

// Sends each request once over so many keep-alive connections to this machine, the next one of a
// connection when it has its answer; requests answered a second. Every answer must have this status
// and a Content-Length: internal "bench_answer" shows the first that has not.
result<double> http_load_run(std::uint16_t port, std::vector<std::string> requests,
                             std::size_t connections, int status);

// A connection whose request was answered with 200, and that stays open.
class held_connection {
public:
  static result<held_connection> open(std::uint16_t port, const std::string& request);
  held_connection(held_connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  held_connection& operator=(held_connection&&) = delete;
  ~held_connection();

private:
  explicit held_connection(int fd) : fd_(fd) {}
  int fd_;
};

} // namespace kith::bench
