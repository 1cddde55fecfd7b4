// Bytes to one HTTP/1 request at a time, without a socket or a clock. Beast parses; what it is
// lenient about, and every way to make two readers see different messages, is refused here. For
// this folder and its fuzz target.
#pragma once

#include "runtime/net/http.hpp"
#include "runtime/net/http_options.hpp"

namespace kith::net {

// Of a message that must not be answered by a handler.
struct http_refusal {
  int status = 400;
  const char* code = "";   // stable: "head_too_large"
  const char* detail = ""; // for a person
};

// Not thread-safe. `options` outlives it. After complete or failed, call take() or reset().
class http_reader {
public:
  enum class state : unsigned char { nothing, head, body, complete, failed };

  explicit http_reader(const http_options& options);
  ~http_reader();

  // Reads on, and returns how much of `in` belongs to this request: all of it, unless it is
  // complete or failed.
  std::size_t feed(byte_view in);
  state at() const;

  // Once the head is read (body or complete): the client waits for a "100 Continue".
  bool wants_continue() const;
  // The connection may be used again (RFC 9112 section 9.3).
  bool keep_alive() const;
  // Bytes held: the body so far and what is not parsed yet.
  std::size_t held() const;
  // Of the body, decoded.
  std::size_t body_size() const;

  // Of a complete one; the reader is as new after it. Remote address and secure are not set.
  http_request take();
  // Of a failed one.
  http_refusal refusal() const;
  bool is_head_request() const; // as far as it is known
  void reset();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace kith::net
