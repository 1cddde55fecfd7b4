#include "runtime/crypto/argon2.hpp"

#include "runtime/crypto/require.hpp"

#include <sodium.h>

namespace kith::crypto {

result<secret_bytes<32>> argon2id(byte_view passphrase, std::span<const std::uint8_t, 16> salt,
                                  const argon2_cost& cost) {
  static_assert(crypto_pwhash_argon2id_SALTBYTES == 16);
  require(cost.sensible() && passphrase.size() <= crypto_pwhash_argon2id_PASSWD_MAX,
          "a cost of Argon2id that is sensible");
  start_sodium();
  secret_bytes<32> key;
  const auto* text = passphrase.empty() ? "" : reinterpret_cast<const char*>(passphrase.data());
  if (crypto_pwhash_argon2id(key.expose_mutable().data(), key.size, text, passphrase.size(),
                             salt.data(), cost.passes, std::size_t(cost.memory_kib) * 1024,
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
    return fail(errc::overloaded, "argon2_memory",
                "there is not enough memory to open what a passphrase protects");
  return key;
}

} // namespace kith::crypto
