// An HTTP/1.1 server (RFC 9110, RFC 9112) over any byte streams: real sockets, TLS or the simulated
// network. Boost.Beast reads the requests and speaks WebSocket; neither shows here.
#pragma once

#include "runtime/net/http.hpp"
#include "runtime/net/http_options.hpp"
#include "runtime/net/http_stream.hpp"
#include "runtime/net/reactor.hpp"
#include "runtime/net/stream.hpp"
#include "runtime/net/websocket.hpp"

#include <cstdint>

namespace kith::net {

class http_connection;

// The right to answer one request, once. Movable; may be handed to another thread, and may outlive
// the connection and the server: an answer that nobody waits for is dropped. One thread at a time.
// Destroyed without an answer, it answers 500.
class http_responder {
public:
  http_responder() = default;
  // For the sources of this folder.
  http_responder(std::shared_ptr<http_connection> to, std::uint64_t request);
  http_responder(http_responder&& other) noexcept = default;
  http_responder& operator=(http_responder&& other) noexcept;
  ~http_responder();

  // Whether there is still something to answer.
  explicit operator bool() const { return to_ != nullptr; }

  // On the reactor's thread it is sent at once (within the handler: together with other answers of
  // the same read), from another as soon as the reactor gets to it.
  void respond(http_response response);
  // Sends the head now and lets the body be written as it comes. The head's own body is not sent.
  // overloaded "too_many_streams": it was answered with 503.
  result<std::shared_ptr<http_stream>> stream(http_response head);
  // Whether the request asks for a WebSocket (RFC 6455 section 4.2.1).
  bool wants_upgrade() const;
  // Becomes a WebSocket. invalid "no_upgrade": the request asks for none, and was answered with
  // 426; overloaded "too_many_streams": it was answered with 503.
  result<std::shared_ptr<websocket>> upgrade(const websocket_options& options = {});

private:
  std::shared_ptr<http_connection> to_; // shared with the server
  std::uint64_t request_ = 0;
};

// Called on the reactor's thread, for one request of a connection at a time.
using http_handler = std::function<void(http_request, http_responder)>;

struct http_counts {
  std::size_t connections = 0, streams = 0, websockets = 0; // now
  std::uint64_t requests = 0;                               // whole ones, handed to the handler
  std::uint64_t refused = 0;                                // see http_options::on_refused
};

// Lives on one reactor and is called on its thread. `time` and `on` outlive it.
class http_server {
public:
  http_server(reactor& on, const clock& time, http_options options, http_handler handler);
  // Aborts what is left.
  ~http_server();
  http_server(const http_server&) = delete;

  // Takes over a connection that was just accepted and not started; `secure` if TLS is below it.
  void adopt(std::unique_ptr<byte_stream> stream, bool secure);

  http_counts counts() const;

  // Ordered end: no new connections, idle ones close now, the others after the answer under way,
  // streams and WebSockets are ended ("draining", 1001). `done` is called once all are gone; those
  // that are still there after `deadline` are aborted. Once. `done` is not called after the
  // server's destruction.
  void drain(duration deadline, std::function<void()> done);

  struct impl; // for the sources of this folder

private:
  std::shared_ptr<impl> impl_; // shared with its connections, which may outlive it in a responder
};

} // namespace kith::net
