// The bytes of a response. For this folder.
#pragma once

#include "runtime/net/http.hpp"

namespace kith::net {

// How the body of a response is told from what follows it.
enum class http_framing : unsigned char {
  sized,   // Content-Length
  chunked, // Transfer-Encoding: chunked
  to_end,  // the connection's end
};

struct http_head_context {
  std::string_view date; // of now; empty for none
  int version = 11;      // the request's
  bool keep_alive = true;
  bool to_head = false; // the request was a HEAD
  http_framing framing = http_framing::sized;
};

// Whether it can be sent as it is: its status and every field are well-formed. What is not would
// let a value end the head and begin a message of its own.
bool is_sendable(const http_response& response);
// Whether the status allows a body (RFC 9110 section 6.4.1).
bool has_body(int status);

// Appends the status line and the head, with the empty line.
void write_head(bytes& out, const http_response& response, const http_head_context& context);
// Appends one chunk; `data` is not empty.
void write_chunk(bytes& out, byte_view data);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

} // namespace kith::net
