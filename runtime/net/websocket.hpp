// A WebSocket (RFC 6455), server side, as those who speak through it see it.
#pragma once

#include "runtime/base/bytes.hpp"

#include <functional>
#include <memory>

namespace kith::net {

enum class websocket_kind : unsigned char { text, binary };

// Thread-safe. May outlive its connection and its server. Dropping the last reference is close().
// Handlers run on the server's reactor, one at a time, and never from within a call.
class websocket {
public:
  struct core; // for the sources of this folder
  explicit websocket(std::shared_ptr<core> inner);
  ~websocket();
  websocket(const websocket&) = delete;

  // Queues one message. False if it was not taken: the connection is over or closing, the text is
  // not UTF-8, or the message would make unsent() exceed the server's stream_unsent_max (one of any
  // size is taken if nothing is unsent); then on_drained() comes.
  bool send(websocket_kind kind, byte_view message);
  bool send_text(std::string_view text) { return send(websocket_kind::text, as_bytes(text)); }
  bool send_binary(byte_view message) { return send(websocket_kind::binary, message); }
  std::size_t unsent() const;
  // Sends what is queued, then a close frame, and waits for the peer's. `code` is 1000 to 1011 or
  // 3000 to 4999 (RFC 6455 section 7.4); `reason` is cut to 123 bytes.
  void close(std::uint16_t code = 1000, std::string_view reason = {});

  // A whole message; what came before the handler was set waits for it. The view dies with the
  // call.
  void on_message(std::function<void(websocket_kind, byte_view)> handler);
  // After a send that was not taken: half of the room is free again.
  void on_drained(std::function<void()> handler);
  // The connection is over; once, last of all, also if it was over before the handler was set
  // (within this call only if the server is gone). Codes: "closed" (by either, orderly; the context
  // has the peer's code and reason), "bad_frame" (the peer broke the protocol),
  // "message_too_large", "ping_timeout", "idle_timeout", "draining", "closed_by_peer" (without a
  // close frame), "connection_reset", "connection_lost", "send_stalled", "bad_handshake",
  // "server_gone".
  void on_closed(std::function<void(const error&)> handler);

private:
  std::shared_ptr<core> core_; // shared with the connection
};

} // namespace kith::net
