// What bounds an HTTP server. Each limit says what happens at it; every refusal is counted.
#pragma once

#include "runtime/base/clock.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace kith::net {

struct http_options {
  // A request's head, with its request line and empty line, or the trailers of its body; past it
  // 431 and the end of the connection.
  std::size_t head_size_max = 16 * 1024;
  std::size_t headers_max = 100; // fields of a request; past it 431 and the end
  // The request's target; past it 414 and the end.
  std::size_t target_size_max = 8 * 1024;
  // A request's body, decoded; past it 413 and the end: at once if Content-Length says so, and
  // before a "100 Continue".
  std::size_t body_size_max = 1024 * 1024;
  // All bodies that are being received, and requests that wait, of all connections; past it a body
  // is refused with 503 and the end.
  std::size_t received_size_max = 256 * 1024 * 1024;

  // From a request's first byte (a new connection's beginning) to the end of its head; then 408 and
  // the end. A connection that sent nothing is closed without a word.
  duration head_time_max = std::chrono::seconds(10);
  // A body must come at this rate on average after a first grace; slower is refused with 408 and
  // the end. With body_size_max this bounds the time of a body.
  std::size_t body_rate_min = 1024; // bytes a second
  duration body_grace = std::chrono::seconds(5);
  // Between requests; then the connection is closed.
  duration idle_time_max = std::chrono::seconds(60);
  // From the whole request to its answer; then 503 and the end. Not for streams and WebSockets.
  duration answer_time_max = std::chrono::seconds(120);
  // A peer that takes none of what waits for it is cut off.
  duration send_stall_max = std::chrono::seconds(30);

  std::size_t requests_max = 100'000; // a connection; the last is answered with Connection: close
  // Bytes that came while a request is being answered; past it the connection is not read until the
  // answer is given. What the kernel had handed over by then (one read buffer) is kept.
  std::size_t pipelined_size_max = 64 * 1024;
  // Answers that the peer has not taken; past it no further request of it is processed.
  std::size_t unsent_max = 256 * 1024;

  // Past either, a new connection gets a 503 with Retry-After and is closed; past `refusals_max` of
  // those it is just dropped. An address is a host, for IPv6 its /64; Unix sockets are not counted.
  std::size_t connections_max = 10'000;
  std::size_t connections_per_address_max = 256;
  std::size_t refusals_max = 64; // connections that are only there to be told so
  // Streams and WebSockets together; past it 503 with Retry-After.
  std::size_t streams_max = 4'096;
  // What a stream or WebSocket holds for a slow peer; past it write() and send() take nothing.
  std::size_t stream_unsent_max = 256 * 1024;

  int retry_after_s = 5; // said with each 503 of the server's own

  // Every refusal, the server's own and the handlers' (http_response::refusal): the status, or 0
  // for a connection dropped without a word, and a stable code, such as "head_too_large". On the
  // reactor's thread; must not call back in.
  std::function<void(int status, std::string_view why)> on_refused;
};

// Of one WebSocket.
struct websocket_options {
  std::string protocol; // the subprotocol chosen; none if empty
  // A message from the peer, all fragments; past it the connection ends with 1009.
  std::size_t message_size_max = 1024 * 1024;
  // A ping is sent after this much silence of the peer; after as much again it is given up
  // ("ping_timeout").
  duration ping_interval = std::chrono::seconds(30);
  // Without a message either way for this long: closed with 1000; zero means never.
  duration idle_time_max = duration::zero();
  // The peer may take this long to answer a close.
  duration close_time_max = std::chrono::seconds(5);
};

} // namespace kith::net
