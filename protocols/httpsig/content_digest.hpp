// The field Content-Digest (RFC 9530): hashes of a message's content, so that a signature, which
// sees headers only, covers the body too.
#pragma once

#include "protocols/httpsig/message.hpp"

namespace kith::httpsig {

// The active ones of the registry (RFC 9530 section 7.2). The deprecated (md5, sha, unixsum, ...)
// do not protect, and count as unknown.
enum class digest_algorithm : unsigned char { sha256, sha512 };

inline constexpr std::size_t digests_max = 8; // in one field; more are refused

// The field's value: "sha-256=:X48E9q...:".
std::string make_content_digest(byte_view body,
                                digest_algorithm algorithm = digest_algorithm::sha256);

// Whether the field's value fits the body. Several digests: all that are known must fit, unknown
// ones are passed over. malformed "digest_malformed"; unauthenticated "digest_wrong", and
// "digest_unknown" if none of them is known, or the field is empty.
result<> check_content_digest(std::string_view field_value, byte_view body);
// The same of the message's own field and body. unauthenticated "digest_missing" if there is no
// field.
result<> check_content_digest(const message_view& message);

} // namespace kith::httpsig
