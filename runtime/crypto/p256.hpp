// Points of P-256 (SP 800-186 section 3.2.1.3, also secp256r1): whether bytes from outside are a
// public key, and its forms. What did:key names; nothing here signs.
#pragma once

#include "runtime/base/bytes.hpp"

namespace kith::crypto {

using p256_compressed = byte_array<33>;   // 0x02 or 0x03 by the parity of y, then x
using p256_uncompressed = byte_array<65>; // 0x04, x, y

// The compressed form of a point in either form (SEC 1 version 2.0 section 2.3.4). malformed
// "bad_public_key" if it is no point of the curve, is the point at infinity, or stands in the
// hybrid form. Thread-safe.
result<p256_compressed> p256_compress(byte_view point);
// The other way, with the same errors.
result<p256_uncompressed> p256_decompress(byte_view point);

} // namespace kith::crypto
