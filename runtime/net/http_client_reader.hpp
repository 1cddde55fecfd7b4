// Bytes to one HTTP/1 response, without a socket or a clock. Beast parses; what it is lenient about
// and what would leave the body's end in doubt is refused here. For this folder and its fuzz
// target.
#pragma once

#include "runtime/net/http_client.hpp"

namespace kith::net {

// Not thread-safe. After an error it takes nothing more.
class http_client_reader {
public:
  static constexpr std::size_t headers_max = 256; // fields of a response; more: "too_large"
  static constexpr int interim_max = 8;           // 1xx responses before it; more: "bad_response"

  // `to_head`: the request was a HEAD, so that no body follows.
  http_client_reader(const fetch_limits& limits, bool to_head);
  ~http_client_reader();

  // What follows a complete response is ignored. Errors: malformed "bad_response"; too_large
  // "too_large".
  result<void> feed(byte_view in);
  // The connection ended in good order: that may be the end of the body. Else malformed
  // "truncated".
  result<void> end();
  bool done() const;
  // Of a done one, once.
  http_response take();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace kith::net
