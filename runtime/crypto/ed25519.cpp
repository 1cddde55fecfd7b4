// By libsodium, whose checks in verification are the strict ones.
#include "runtime/crypto/ed25519.hpp"

#include "runtime/crypto/require.hpp"

#include <sodium.h>

namespace kith::crypto {

ed25519_key ed25519_key::from_seed(std::span<const std::uint8_t, 32> seed) {
  start_sodium();
  secret_bytes<64> secret;
  byte_array<32> public_key;
  crypto_sign_ed25519_seed_keypair(public_key.data(), secret.expose_mutable().data(), seed.data());
  return ed25519_key(std::move(secret));
}

byte_array<32> ed25519_key::public_key() const {
  byte_array<32> out;
  std::memcpy(out.data(), secret_.expose().data() + 32, out.size());
  return out;
}

ed25519_signature ed25519_key::sign(byte_view message) const {
  ed25519_signature out;
  crypto_sign_ed25519_detached(out.data(), nullptr, message.data(), message.size(),
                               secret_.expose().data());
  return out;
}

secret_bytes<32> ed25519_key::to_x25519() const {
  secret_bytes<32> out;
  crypto_sign_ed25519_sk_to_curve25519(out.expose_mutable().data(), secret_.expose().data());
  return out;
}

bool ed25519_verify(const byte_array<32>& public_key, byte_view message,
                    const ed25519_signature& signature) {
  start_sodium();
  return crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(),
                                             public_key.data()) == 0;
}

result<byte_array<32>> x25519_from_ed25519(const byte_array<32>& public_key) {
  start_sodium();
  byte_array<32> out;
  if (crypto_sign_ed25519_pk_to_curve25519(out.data(), public_key.data()) != 0)
    return fail(errc::malformed, "bad_public_key",
                "an Ed25519 key that is no point of the main subgroup");
  return out;
}

} // namespace kith::crypto
