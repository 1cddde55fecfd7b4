// Base64 (RFC 4648 section 4, with padding): how bytes stand in JSON and in HTTP fields.
#pragma once

#include "runtime/base/bytes.hpp"

namespace kith {

std::string to_base64(byte_view b);
// Strict: the standard alphabet, padded, no white space, unused bits zero. Malformed: "bad_base64".
result<std::string> from_base64(std::string_view text);

} // namespace kith
