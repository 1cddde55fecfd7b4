// X25519 key agreement (RFC 7748): the handshakes of links.
#pragma once

#include "runtime/crypto/secret.hpp"

namespace kith::crypto {

// A key pair. Safe to use from several threads at once as long as none moves it.
class x25519_key {
public:
  // Any 32 bytes; clamped in use (RFC 7748 section 5).
  static x25519_key from_secret(std::span<const std::uint8_t, 32> secret);
  static x25519_key generate(random_source& random);

  const byte_array<32>& public_key() const { return public_; }
  x25519_key clone() const { return from_secret(secret_.expose()); }
  // malformed "weak_public_key" if the result is all zeros, that is, if theirs is of small order
  // (section 6.1).
  result<secret_bytes<32>> shared_secret(const byte_array<32>& theirs) const;

private:
  secret_bytes<32> secret_;
  byte_array<32> public_{};
};

} // namespace kith::crypto
