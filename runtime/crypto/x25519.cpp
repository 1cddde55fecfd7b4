// By libsodium.
#include "runtime/crypto/x25519.hpp"

#include "runtime/crypto/require.hpp"

#include <sodium.h>

namespace kith::crypto {

x25519_key x25519_key::from_secret(std::span<const std::uint8_t, 32> secret) {
  start_sodium();
  x25519_key made;
  made.secret_ = secret_bytes<32>(secret);
  crypto_scalarmult_curve25519_base(made.public_.data(), secret.data());
  return made;
}

x25519_key x25519_key::generate(random_source& random) {
  return from_secret(secret_bytes<32>::random(random).expose());
}

result<secret_bytes<32>> x25519_key::shared_secret(const byte_array<32>& theirs) const {
  secret_bytes<32> out;
  if (crypto_scalarmult_curve25519(out.expose_mutable().data(), secret_.expose().data(),
                                   theirs.data()) != 0)
    return fail(errc::malformed, "weak_public_key", "an X25519 key of small order");
  return out;
}

} // namespace kith::crypto
