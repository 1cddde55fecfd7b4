// The signing key of an agent or node, and with it the right to speak as its DID.
#pragma once

#include "runtime/crypto/ed25519.hpp"
#include "runtime/identity/did.hpp"

namespace kith {

// Ed25519 (RFC 8032). Move-only, wipes itself, and has no way to a stream or a string. Safe to use
// from several threads at once as long as none moves it; a moved-from one may only be destroyed or
// assigned to.
class secret_key {
public:
  static secret_key generate(random_source& random);
  // 32 bytes, the private key of RFC 8032; the caller wipes its own copy.
  static secret_key from_seed(std::span<const std::uint8_t, 32> seed);

  secret_key clone() const { return secret_key(key_.clone()); }
  const ed25519_public& public_key() const { return public_; }
  const kith::did& did() const { return did_; }
  byte_array<64> sign(byte_view message) const { return key_.sign(message); }
  // For the keystore and for handing an agent to another node, both of which seal it.
  std::span<const std::uint8_t, 32> expose_seed() const { return key_.expose_seed(); }

private:
  explicit secret_key(crypto::ed25519_key key)
      : key_(std::move(key)), public_(key_.public_key()), did_(kith::did::from_key(public_)) {}

  crypto::ed25519_key key_;
  ed25519_public public_;
  kith::did did_;
};

// False for anything but a signature by `key` over exactly `message`, strictly (see
// crypto::ed25519_verify). Thread-safe.
bool verify_signature(const ed25519_public& key, byte_view message,
                      const byte_array<64>& signature);
// The same for whom the did:key names; false if it names no Ed25519 key.
bool verify_signature(const did& signer, byte_view message, const byte_array<64>& signature);

} // namespace kith
