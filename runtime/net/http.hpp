// HTTP messages as values (RFC 9110), the same for server and client, and the small helpers that
// those who read and write them need. No parser and no socket is in here.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/base/clock.hpp"

#include <optional>

namespace kith::net {

// Fields in the order of the message; a name may stand more than once. All text lies in one buffer,
// so views die with the next change. Not thread-safe.
class http_headers {
public:
  struct field {
    std::string_view name, value;
  };

  void add(std::string_view name, std::string_view value);
  // In place of all of that name.
  void set(std::string_view name, std::string_view value);
  void erase(std::string_view name);
  void reserve(std::size_t count, std::size_t text_size);

  // The first of that name. Names are compared without regard to case (RFC 9110 section 5.1).
  std::optional<std::string_view> find(std::string_view name) const;
  // Its value, or an empty view.
  std::string_view operator[](std::string_view name) const { return find(name).value_or(""); }
  std::size_t count(std::string_view name) const;
  // All values of that name, joined with ", " (RFC 9110 section 5.3); nullopt if there is none.
  std::optional<std::string> joined(std::string_view name) const;
  // Whether `token` is an element of the comma-separated list of that name ("Connection: a, b").
  bool has_token(std::string_view name, std::string_view token) const;

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  field at(std::size_t index) const;

  class iterator {
  public:
    iterator(const http_headers& of, std::size_t index) : of_(&of), index_(index) {}
    field operator*() const { return of_->at(index_); }
    iterator& operator++() { return ++index_, *this; }
    bool operator!=(const iterator& other) const { return index_ != other.index_; }

  private:
    const http_headers* of_;
    std::size_t index_;
  };
  iterator begin() const { return {*this, 0}; }
  iterator end() const { return {*this, size()}; }

private:
  struct entry {
    std::uint32_t at, name_size, value_size; // the value follows its name
  };
  std::string text_;
  std::vector<entry> entries_;
};

struct http_request {
  std::string method; // as sent, case-sensitive: "GET"
  std::string target; // as sent, in origin-, absolute- or asterisk-form (RFC 9112 section 3.2)
  int version = 11;   // 10 or 11
  http_headers headers;
  bytes body;                 // without its transfer coding; trailers are dropped
  std::string remote_address; // "192.0.2.1:4711", as byte_stream says it
  bool secure = false;        // it came through TLS

  // Of the target, not decoded: "/a%20b"; "/" if an absolute target has none; "*" as it is. Views
  // into `target`.
  std::string_view path() const;
  // What follows the first "?", or nothing.
  std::string_view query() const;
  // The host and port that were asked for: of an absolute target, else the Host field.
  std::string_view authority() const;
};

// What a handler answers. Content-Length, Transfer-Encoding, Connection and Keep-Alive are the
// server's: those given here are left out. A Date given here is kept.
struct http_response {
  int status = 200; // 200 to 599; another, or a field that is none, is answered as 500
  http_headers headers;
  slice body; // not sent with 204, 304 or to a HEAD
  // The stable code of a refusal, which the server counts (http_options::on_refused); never sent.
  std::string refusal = {};

  static http_response of(int status, std::string_view content_type, std::string_view body);
  static http_response of(int status, std::string_view content_type, slice body);
  // {"type":"about:blank","title":...,"status":...,"detail":...} as application/problem+json
  // (RFC 9457). `code`, if any, is the extension member "code": stable, for programs, and
  // the refusal. A detail that
  // is not UTF-8 is left out.
  static http_response problem(int status, std::string_view detail, std::string_view code = {});
};

// "Not Found"; empty for an unknown one.
std::string_view reason_phrase(int status);
// A token (RFC 9110 section 5.6.2), such as a field's name or a method.
bool is_http_token(std::string_view text);
// A field's value: no control characters but the tab.
bool is_field_value(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b); // of ASCII letters
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(wall_ms at);
// Undoes %XX; "+" stays. invalid "bad_percent_encoding" for a % without two hex digits.
result<std::string> percent_decode(std::string_view text);
// The first value of `name` in "a=1&b=2", decoded; "" for a name without "=". nullopt if it is not
// there or not well encoded.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

} // namespace kith::net
