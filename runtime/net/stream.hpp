// One connection, as everything above the network sees it: bytes in, bytes out, and an end. Real
// sockets and the simulated network stand behind it alike, so the code above cannot tell one from
// the other.
#pragma once

#include "runtime/base/bytes.hpp"

#include <functional>
#include <string>

namespace kith::net {

// What a stream tells its owner. Every handler runs on the owning reactor's thread and never from
// within a call into the stream; a handler may destroy the stream.
struct stream_handlers {
  // Bytes that arrived, never empty. The view dies with the call.
  std::function<void(byte_view)> on_data;
  // unsent() fell to at most byte_stream::low_water, or to 0. Only for bytes that had to wait.
  std::function<void()> on_drained;
  // The connection is over; called at most once, last of all, and never after abort() or
  // destruction. Codes: "closed" (our close() is done), "closed_by_peer", "connection_reset",
  // "connection_lost".
  std::function<void(const error&)> on_closed;
};

// Created by a network, owned by whoever holds the pointer. Every call must be made on the owning
// reactor's thread. Destroying it is abort(). After the connection ended, calls do nothing.
class byte_stream {
public:
  // Below this many unsent bytes on_drained() is called.
  static constexpr std::size_t low_water = 64 * 1024;
  // close() waits at most this long for the peer to take what is queued and to close its side.
  static constexpr int linger_ms_max = 5'000;

  virtual ~byte_stream() = default;

  // Sets the handlers and starts to read. Once. Before it, what arrives waits in the kernel;
  // write() already works.
  virtual void start(stream_handlers handlers) = 0;

  // Queues bytes. What the kernel takes at once is sent within the call, so many small pieces are
  // best joined by the caller. The queue has no bound of its own: the caller looks at unsent() and
  // stops.
  virtual void write(bytes data) = 0;
  // The same without a copy of what must wait.
  virtual void write(slice data) = 0;
  // Bytes written here that the kernel has not taken yet.
  virtual std::size_t unsent() const = 0;

  // Back-pressure: while paused, on_data is not called, at most one read buffer is taken from the
  // kernel, and the end of the connection may go unseen.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // Sends what is queued, then ends; on_data is not called any more, on_closed is.
  virtual void close() = 0;
  // Ends now and drops what is queued. No handler is called any more.
  virtual void abort() = 0;

  // "192.0.2.1:4711", "[2001:db8::1]:4711", "unix:/path" or, for an unnamed peer, "unix:". Stays
  // after the end.
  virtual std::string remote_address() const = 0;
};

} // namespace kith::net
