// Keys are made and checked by runtime/crypto; here they get their DID.
#include "runtime/identity/keys.hpp"

namespace kith {

secret_key secret_key::generate(random_source& random) {
  return from_seed(crypto::secret_bytes<32>::random(random).expose());
}

secret_key secret_key::from_seed(std::span<const std::uint8_t, 32> seed) {
  return secret_key(crypto::ed25519_key::from_seed(seed));
}

bool verify_signature(const ed25519_public& key, byte_view message,
                      const byte_array<64>& signature) {
  return crypto::ed25519_verify(key, message, signature);
}

bool verify_signature(const did& signer, byte_view message, const byte_array<64>& signature) {
  auto key = signer.ed25519();
  return key && verify_signature(*key, message, signature);
}

} // namespace kith
