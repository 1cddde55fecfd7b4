// A response whose body is written bit by bit, for as long as it takes: Server-Sent Events, or a
// large body that is not at hand as a whole.
#pragma once

#include "runtime/base/bytes.hpp"

#include <functional>
#include <memory>

namespace kith::net {

// Thread-safe. May outlive its connection and its server. Dropping the last reference is close().
// Handlers run on the server's reactor, one at a time, and never from within a call. Each write is
// one chunk (RFC 9112 section 7.1); to an HTTP/1.0 client the body ends with the connection.
class http_stream {
public:
  struct core; // for the sources of this folder
  explicit http_stream(std::shared_ptr<core> inner);
  ~http_stream();
  http_stream(const http_stream&) = delete;

  // False if it was not taken: the stream is over, or `data` would make unsent() exceed the
  // server's stream_unsent_max (a write of any size is taken if nothing is unsent); then
  // on_drained() comes.
  bool write(byte_view data);
  bool write(std::string_view text) { return write(as_bytes(text)); }
  // Bytes taken and not yet given to the kernel.
  std::size_t unsent() const;
  // Ends the body after what was written. on_closed() is called, with "closed".
  void close();

  // After a write that was not taken: half of the room is free again.
  void on_drained(std::function<void()> handler);
  // The stream is over; once, last of all, also if it was over before the handler was set (within
  // this call only if the server is gone). Codes:
  // "closed" (here), "draining" (the server stops), "closed_by_peer", "connection_reset",
  // "connection_lost", "send_stalled", "server_gone".
  void on_closed(std::function<void(const error&)> handler);

private:
  std::shared_ptr<core> core_; // shared with the connection
};

} // namespace kith::net
