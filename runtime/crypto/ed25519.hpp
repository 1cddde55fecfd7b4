// Ed25519 signatures (RFC 8032): what nodes and agents sign with, and what their DIDs are.
#pragma once

#include "runtime/crypto/secret.hpp"

namespace kith::crypto {

using ed25519_signature = byte_array<64>;

// A signing key. Safe to use from several threads at once as long as none moves it.
class ed25519_key {
public:
  // The 32-byte private key of RFC 8032 section 5.1.5. Any 32 bytes are one.
  static ed25519_key from_seed(std::span<const std::uint8_t, 32> seed);

  ed25519_key clone() const { return ed25519_key(secret_.clone()); }
  std::span<const std::uint8_t, 32> expose_seed() const { return secret_.expose().first<32>(); }
  // 32 bytes, the encoded point.
  byte_array<32> public_key() const;
  // RFC 8032 section 5.1.6, pure Ed25519: deterministic.
  ed25519_signature sign(byte_view message) const;
  // The X25519 private key that belongs to x25519_from_ed25519(public_key()).
  secret_bytes<32> to_x25519() const;

private:
  explicit ed25519_key(secret_bytes<64> secret) : secret_(std::move(secret)) {}
  secret_bytes<64> secret_; // seed, then public key: signing needs both
};

// RFC 8032 section 5.1.7, strictly: false also for a point of small order, an encoding that is not
// canonical and an S of or above the group's order. Thread-safe.
bool ed25519_verify(const byte_array<32>& public_key, byte_view message,
                    const ed25519_signature& signature);

// The Montgomery form (RFC 7748 section 4.1) of an Ed25519 public key. malformed "bad_public_key"
// if it is no point of the main subgroup.
result<byte_array<32>> x25519_from_ed25519(const byte_array<32>& public_key);

} // namespace kith::crypto
