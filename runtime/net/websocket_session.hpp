// One WebSocket on a connection, and what it shares with those who speak through it. For this
// folder.
#pragma once

#include "runtime/net/http_server_impl.hpp"

#include <deque>

namespace kith::net {

// The connection's side: what comes from the stream. On the reactor's thread.
class websocket_session {
public:
  virtual ~websocket_session() = default;
  // Answers the handshake.
  virtual void open(const std::string& key) = 0;
  virtual void on_data(byte_view data) = 0;
  virtual void on_drained() = 0;
  virtual void on_closed(const error& reason) = 0;
  virtual void tick(time_point now) = 0;
  virtual void drain() = 0;
  // The user's wishes changed: there is something to send, to read, or to close.
  virtual void pump() = 0;
};

struct websocket_message {
  websocket_kind kind;
  bytes data;
};

// The user's side; any thread.
struct websocket::core : std::enable_shared_from_this<websocket::core> {
  core(std::shared_ptr<http_server::impl> s, std::size_t unsent_max_)
      : server(std::move(s)), unsent_max(unsent_max_) {}

  void close(std::uint16_t code, std::string_view reason, error why);
  void pump_soon();
  void forget(std::size_t message_size);
  // The session's, on the reactor's thread.
  void on_room(std::size_t unsent);
  void end(const error& why);

  using message_handler = std::function<void(websocket_kind, byte_view)>;

  mutable std::mutex lock; // guards all below
  const std::shared_ptr<http_server::impl> server;
  const std::size_t unsent_max;
  std::weak_ptr<websocket_session> session; // lives with its connection
  std::deque<websocket_message> queue;
  std::size_t queued = 0;                            // bytes in the queue
  std::size_t in_stream = 0;                         // given on, and not sent when last looked at
  std::shared_ptr<const message_handler> on_message; // shared with a call under way
  std::function<void()> on_drained;
  std::function<void(const error&)> on_closed;
  std::uint16_t close_code = 1000;
  std::string close_reason;
  error why; // what on_closed says, if it is we who close, and once it is over
  bool pump_comes = false;
  bool wants_room = false; // a send was not taken
  bool closing = false;
  bool over = false;
};

// The Sec-WebSocket-Key of a request that is a whole and proper handshake (RFC 6455 section 4.2.1);
// else empty.
std::string websocket_key_of(const http_request& request);

// On `to`, which tells it on_closed() before it goes.
std::shared_ptr<websocket_session>
make_websocket_session(http_connection& to, const std::shared_ptr<websocket::core>& core,
                       const websocket_options& options);

} // namespace kith::net
