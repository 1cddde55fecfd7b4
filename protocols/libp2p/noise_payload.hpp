// What libp2p sends inside Noise's messages 2 and 3 (noise/README.md "The libp2p Handshake
// Payload"): the identity key, and its signature over the Noise static key, which ties the one to
// the other.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/identity/did.hpp"

namespace kith {
class secret_key; // runtime/identity/keys.hpp
}

namespace kith::libp2p {

// No extensions: the muxer is agreed on by multistream-select afterwards.
bytes make_noise_payload(const secret_key& identity, const byte_array<32>& static_public);
// Who vouches for `static_public`. Errors: malformed "bad_noise_payload", "bad_public_key";
// unsupported "key_type"; unauthenticated "bad_identity" (the signature is of another key or over
// another static key).
result<did> check_noise_payload(byte_view payload, const byte_array<32>& static_public);

} // namespace kith::libp2p
