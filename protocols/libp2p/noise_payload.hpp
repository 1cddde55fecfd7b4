// What libp2p sends inside Noise's messages 2 and 3 (noise/README.md "The libp2p Handshake
// Payload"): the identity key, and its signature over the Noise static key, which ties the one to
// the other; and the muxers that the sender speaks, so that nobody has to ask afterwards
// (connections/inlined-muxer-negotiation.md).
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/identity/did.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kith {
class secret_key; // runtime/identity/keys.hpp
}

namespace kith::libp2p {

// Of a peer's offer; past either the handshake fails. An honest one has two or three names.
inline constexpr std::size_t offered_muxers_max = 16;
inline constexpr std::size_t offered_muxer_size_max = 128; // bytes of one name

struct noise_identity {
  did peer;
  std::vector<std::string> muxers; // the preferred one first, each once; empty: none offered
};

// `muxers` in order of preference; empty: the muxer is agreed on by multistream-select afterwards.
bytes make_noise_payload(const secret_key& identity, const byte_array<32>& static_public,
                         const std::vector<std::string>& muxers);
// Who vouches for `static_public`, and what it offers. The offer is not looked at before the
// signature was found good. Errors: malformed "bad_noise_payload", "bad_public_key",
// "bad_muxer_offer" (a name without a character); unsupported "key_type"; unauthenticated
// "bad_identity" (the signature is of another key or over another static key); too_large
// "muxer_offer_too_large" (too many, or a name too long).
result<noise_identity> check_noise_payload(byte_view payload, const byte_array<32>& static_public);

// What both sides take when each knows the other's offer: the first of the dialer's that the
// listener has too. Empty if a side offered none. Errors: unsupported "no_common_muxer".
result<std::optional<std::string>> common_muxer(const std::vector<std::string>& of_dialer,
                                                const std::vector<std::string>& of_listener);

} // namespace kith::libp2p
