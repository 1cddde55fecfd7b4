// The bytes of a response.
#include "runtime/net/http_writer.hpp"

#include <algorithm>
#include <charconv>

namespace kith::net {
namespace {

void put(bytes& out, std::string_view text) { append(out, as_bytes(text)); }

void put_number(bytes& out, std::uint64_t number, int base) {
  char digits[20];
  const auto [end, ec] = std::to_chars(digits, digits + sizeof digits, number, base);
  put(out, {digits, std::size_t(end - digits)});
}

// Fields that say how the message is framed or what becomes of the connection.
bool is_servers_own(std::string_view name) {
  constexpr std::string_view own[] = {"Content-Length", "Transfer-Encoding", "Connection",
                                      "Keep-Alive"};
  return std::any_of(std::begin(own), std::end(own),
                     [name](std::string_view n) { return equal_ignoring_case(n, name); });
}

} // namespace

bool is_sendable(const http_response& response) {
  if (response.status < 200 || response.status > 599) return false;
  for (const auto [name, value] : response.headers)
    if (!is_http_token(name) || !is_field_value(value)) return false;
  return true;
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

void write_head(bytes& out, const http_response& response, const http_head_context& context) {
  put(out, "HTTP/1.1 ");
  put_number(out, std::uint64_t(response.status), 10);
  put(out, " ");
  put(out, reason_phrase(response.status));
  put(out, "\r\n");
  bool dated = context.date.empty();
  for (const auto [name, value] : response.headers) {
    if (is_servers_own(name)) continue;
    dated = dated || equal_ignoring_case(name, "Date");
    put(out, name);
    put(out, ": ");
    put(out, value);
    put(out, "\r\n");
  }
  if (!dated) {
    put(out, "Date: ");
    put(out, context.date);
    put(out, "\r\n");
  }
  if (!context.keep_alive)
    put(out, "Connection: close\r\n");
  else if (context.version < 11)
    put(out, "Connection: keep-alive\r\n");
  if (has_body(response.status)) {
    if (context.framing == http_framing::chunked) {
      put(out, "Transfer-Encoding: chunked\r\n");
    } else if (context.framing == http_framing::sized) {
      put(out, "Content-Length: ");
      put_number(out, response.body.size(), 10);
      put(out, "\r\n");
    }
  }
  put(out, "\r\n");
}

void write_chunk(bytes& out, byte_view data) {
  put_number(out, data.size(), 16);
  put(out, "\r\n");
  append(out, data);
  put(out, "\r\n");
}

} // namespace kith::net
