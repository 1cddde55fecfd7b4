// A blocking client of a node's control socket, for command-line programs: no reactor, no thread,
// one line out and one line in.
#pragma once

#include "runtime/net/line_reader.hpp"

#include "runtime/base/clock.hpp"

#include <memory>

namespace kith::net {

// Not thread-safe. Closes when destroyed. Timeouts are at most about 24 days; each is for the whole
// call.
class blocking_client {
public:
  // `path` is that of a Unix socket, of any length. Errors: unavailable "node_not_running" when the
  // file is missing or nobody serves it; forbidden "socket_forbidden"; timeout "node_busy"; io
  // "socket_failed".
  static result<blocking_client> connect(const std::string& path, duration timeout);

  blocking_client(blocking_client&&) noexcept;
  blocking_client& operator=(blocking_client&&) noexcept;
  ~blocking_client();

  // Sends `line` and a line feed; `line` holds none. Errors: invalid "line_feed_in_line"; timeout
  // "write_timeout"; unavailable "node_went_away".
  result<> write_line(std::string_view line, duration timeout = std::chrono::seconds(30));
  // The next line without its line feed. Errors: too_large "line_too_long" past `size_max` bytes;
  // timeout "read_timeout"; unavailable "node_went_away" at the end of the stream.
  result<std::string> read_line(std::size_t size_max, duration timeout);

private:
  struct impl;
  explicit blocking_client(std::unique_ptr<impl> inner);
  std::unique_ptr<impl> impl_;
};

} // namespace kith::net
