// What signing needs to see of an HTTP message: its control data and headers as they came, without
// owning or copying any of them. The edge fills it from its server's request, a client before it
// sends.
#pragma once

#include "runtime/base/bytes.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace kith::httpsig {

// One line of the head. Names in any case; a name may stand several times.
struct header_view {
  std::string_view name, value;
};

// What a field's value is made of (RFC 9651 section 3).
enum class field_type : unsigned char { item, list, dictionary };
struct structured_field {
  std::string_view name; // lower case
  field_type type;
};

// Views only: all that they point to must outlive it. Not a parser: that the parts are those of
// this very message, and the ones that the application then acts by, is the caller's to see to (RFC
// 9421 section 7.4.3). In particular `authority` is what the server routes by (Host, or the request
// line's).
struct message_view {
  // Of a request.
  std::string_view method;               // as sent: its case matters
  std::string_view scheme;               // "https"; any case
  std::string_view authority;            // "example.com:8443"; any case, the default port may stand
  std::string_view path;                 // as sent, still percent-encoded; empty means "/"
  std::optional<std::string_view> query; // without "?"; nullopt: there was no "?"
  std::string_view request_target;       // of the request line; empty: path and query
  // Of a response; 0 for a request.
  int status = 0;
  const message_view* request = nullptr; // that a response answers, for components with `req`

  std::span<const header_view> headers; // in the order in which they came
  byte_view body;                       // whole, after transfer codings, before content codings
  // Fields that the application knows to be structured, beyond known_type's.
  std::span<const structured_field> structured;

  bool is_response() const { return status != 0; }
};

// Limits on what is read of a message; past them too_large "message_too_large".
inline constexpr std::size_t field_size_max = 64 << 10; // of one field, all its lines together
inline constexpr std::size_t query_size_max = 16 << 10; // only where @query-param asks for it

// Of a field that this room knows (content-digest, signature-input, ...) or the message declares.
std::optional<field_type> known_type(const message_view& message, std::string_view name);

// How often the field stands in the head; `name` in lower case.
std::size_t count_field(const message_view& message, std::string_view name);

// The values of all lines of a field, in order, each as RFC 9421 section 2.1 steps 2 and 3 have it:
// without white space around it, an obsolete fold as one space. not_found "field_missing";
// malformed "bad_field" for a control character.
result<std::vector<std::string>> field_values(const message_view& message, std::string_view name);
// The same, joined by ", ": the component value of RFC 9421 section 2.1, and what a structured
// field that came in several lines is parsed from.
result<std::string> combined_field(const message_view& message, std::string_view name);

// RFC 9421 section 2.2: without name, parameters and newline. Each returns unsupported
// "bad_component" where the message has no such value: a request's part asked of a response, say.
result<std::string> target_uri(const message_view& message);
result<std::string> authority(const message_view& message); // lower case, no default port
// Section 2.2.8: the parameter whose name, once decoded and encoded anew, is `name`; it must stand
// exactly once. Text that is not UTF-8 is refused, for readers would disagree about it.
result<std::string> query_param(const message_view& message, std::string_view name);

// For a person to read: printable, and cut when long.
std::string shown(std::string_view text);
std::string to_lower(std::string_view text);

} // namespace kith::httpsig
