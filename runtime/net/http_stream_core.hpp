// What an http_stream and its connection share. For this folder.
#pragma once

#include "runtime/net/http_server_impl.hpp"

namespace kith::net {

struct http_stream::core : std::enable_shared_from_this<http_stream::core> {
  explicit core(std::shared_ptr<http_connection> to)
      : connection(std::move(to)), server(connection->server().shared_from_this()),
        unsent_max(server->options.stream_unsent_max), chunked(connection->takes_chunks()) {}

  // Any thread.
  bool write(byte_view data);
  void close(error why);
  void flush_soon(std::unique_lock<std::mutex>& hold);

  // The connection's, on the reactor's thread.
  void begin();
  void on_room(std::size_t unsent);
  void drain() { close({errc::unavailable, "draining", "the server stops"}); }
  void end(const error& why);
  void flush();

  mutable std::mutex lock;                     // guards all below
  std::shared_ptr<http_connection> connection; // until it is over; shared with the server
  const std::shared_ptr<http_server::impl> server;
  const std::size_t unsent_max;
  const bool chunked;
  bytes pending;             // written, framed, not given to the connection
  std::size_t in_stream = 0; // given, and not sent when last looked at
  std::function<void()> on_drained;
  std::function<void(const error&)> on_closed;
  error reason; // why it closes
  bool begun = false;
  bool flush_comes = false;
  bool wants_room = false; // a write was not taken
  bool closing = false;
  bool over = false;
};

} // namespace kith::net
