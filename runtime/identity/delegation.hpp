// "Node N speaks for me, epoch E, until T", signed with the agent's key (semantics.md 22). It
// authenticates an agent's envelopes on N's link without a signature on each.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/identity/did.hpp"

namespace kith {

class secret_key; // runtime/identity/keys.hpp

struct delegation {
  static constexpr wall_ms lifetime_ms = 7LL * 24 * 3600 * 1000; // renewed at half of it

  did agent;
  did node;
  std::uint64_t epoch = 1;
  wall_ms expires = 0;
  byte_array<64> signature{};

  static constexpr std::size_t encoded_size_max = 1 + 2 * (2 + did::size_max) + 8 + 8 + 64;

  // Signed by `agent_key`, whose DID becomes `agent`. `epoch` is at least 1, `expires` not
  // negative: others are made, and refused by everyone.
  static delegation make(const secret_key& agent_key, const did& node, std::uint64_t epoch,
                         wall_ms expires);
  // Signature only; time and epoch are judged by the receiver: unauthenticated "bad_delegation".
  result<void> check_signature() const;
  // The bytes that are signed: a domain tag, version, then length-prefixed fields.
  bytes to_sign() const;

  // A version byte, then what is signed without its tag, then the signature.
  bytes encode() const;
  // Exactly what encode() made, whether or not the signature is right: malformed "bad_delegation"
  // or "bad_did"; unsupported "delegation_version" for one of a later version.
  static result<delegation> decode(byte_view b);

  bool operator==(const delegation&) const = default;
};

} // namespace kith
