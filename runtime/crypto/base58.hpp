// base58btc, the text form of keys in did:key and of libp2p's peer ids (W3C "Multibase" draft, the
// Bitcoin alphabet). It takes time quadratic in the length, hence the limits. Thread-safe; not for
// secrets.
#pragma once

#include "runtime/base/bytes.hpp"

namespace kith::crypto {

inline constexpr std::size_t base58_bytes_max = 256;
inline constexpr std::size_t base58_text_max = 350; // what that many bytes need

// Without a multibase prefix. too_large "base58_too_long" past base58_bytes_max.
result<std::string> base58btc_encode(byte_view b);
// malformed "bad_base58" for a character outside the alphabet, too_large "base58_too_long" past
// base58_text_max or base58_bytes_max. Every text it accepts is the one that encoding the result
// gives again.
result<bytes> base58btc_decode(std::string_view text);

} // namespace kith::crypto
