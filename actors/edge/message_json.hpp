// Messages as JSON: what a client posts, and what it is shown of its mailbox.
#pragma once

#include "actors/base/messages.hpp"

#include <kith/json.hpp>

namespace kith::edge {

// What a client wants sent, before it is known whether it may. `to` is not resolved yet.
struct wanted_message {
  std::string from, to; // from: empty if it was not said
  ingress what;
};
// Unknown members are refused, so that a misspelt one is noticed. invalid "bad_message" names the
// member; malformed "bad_json"; too_large "payload_too_large".
result<wanted_message> read_message(byte_view body, std::size_t payload_size_max);

// `position`: 0 for one that is in no mailbox.
json message_json(const envelope& e, sequence position);

// An object of the body, with exactly these members or fewer: malformed "bad_json", invalid
// "bad_message".
result<json> read_object(byte_view body, std::initializer_list<std::string_view> members);

} // namespace kith::edge
