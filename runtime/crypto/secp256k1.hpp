// Points of secp256k1 (SEC 2 version 2.0 section 2.4.1): whether bytes from outside are a public
// key, and its forms. What did:key and did:nostr name; nothing here signs.
#pragma once

#include "runtime/base/bytes.hpp"

namespace kith::crypto {

using secp256k1_compressed = byte_array<33>;   // 0x02 or 0x03 by the parity of y, then x
using secp256k1_uncompressed = byte_array<65>; // 0x04, x, y

// The compressed form of a point in either form (SEC 1 version 2.0 section 2.3.4). malformed
// "bad_public_key" if it is no point of the curve, is the point at infinity, or stands in the
// hybrid form. Thread-safe.
result<secp256k1_compressed> secp256k1_compress(byte_view point);
// The other way, with the same errors.
result<secp256k1_uncompressed> secp256k1_decompress(byte_view point);
// Whether 32 bytes are the x of a point, that is, a public key of BIP-340 ("lift_x"). Thread-safe.
bool secp256k1_is_x(const byte_array<32>& x);

} // namespace kith::crypto
