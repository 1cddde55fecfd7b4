// The lines of the control socket as values: what the client writes and how it reads what comes
// back. No socket in here, so that it is tested without one.
#pragma once

#include <kith/client.hpp>

namespace kith::control {

inline constexpr std::size_t line_size_max = 24 << 20; // bytes, without the line feed
inline constexpr std::size_t depth_max = 64;           // of JSON; deeper answers are refused

// The category of this name; internal for a name that we do not know.
errc category_of(std::string_view name);

// {"id":7,"verb":"status","args":{}}. `arguments` is a JSON object, or empty for none. Malformed
// "bad_json"; too_large "payload_too_large" if the line would be too long.
result<std::string> request_line(std::uint64_t id, std::string_view verb,
                                 std::string_view arguments);

struct answer_line {
  std::uint64_t id = 0;        // 0: to no request in particular
  result<std::string> outcome; // the result as JSON, or the node's error
};
// Malformed "bad_answer".
result<answer_line> parse_answer(std::string_view line);

// Arguments of `send` and `ask`. Malformed "bad_json"; too_large "payload_too_large"; invalid
// "not_utf8" for text that is not, and for a recipient or kind.
result<std::string> send_arguments(std::string_view to, std::string_view kind,
                                   const client_content& what, const client_send_options& options);
result<std::string> ask_arguments(std::string_view to, std::string_view kind,
                                  const client_content& what, std::uint64_t timeout_ms,
                                  const uuid& id);
// Results of `send` and `ask`. Malformed "bad_answer".
result<client_sent> parse_sent(std::string_view json);
result<client_answer> parse_asked(std::string_view json);

} // namespace kith::control
