// "Node N speaks for me, epoch E, until T", signed with the agent's key (semantics.md 22). It authenticates an agent's
// envelopes on N's link without a signature on each.
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

  static delegation make(const secret_key& agent_key, const did& node, std::uint64_t epoch, wall_ms expires);
  // Signature only; time and epoch are judged by the receiver: unauthenticated "bad_delegation".
  result<void> check_signature() const;
  // The bytes that are signed: a domain tag, version, then length-prefixed fields.
  bytes to_sign() const;
};

} // namespace kith
