// Digests and what is built from them: BLAKE2b (RFC 7693) for everything of Kith's own, SHA-256 and
// SHA-512 (FIPS 180-4), with HMAC (RFC 2104) and HKDF over SHA-256, where a protocol asks for them.
// All functions here are thread-safe.
#pragma once

#include "runtime/crypto/secret.hpp"

#include <initializer_list>

namespace kith::crypto {

byte_array<32> blake2b_256(byte_view message);
// Of the parts one after another, without copying them together. Lengths are not hashed: the caller
// frames.
byte_array<32> blake2b_256(std::initializer_list<byte_view> parts);
// For keys of tables; too short to rest an authenticity on.
byte_array<16> blake2b_128(byte_view message);
// BLAKE2b keyed with `key` (16 to 64 bytes, RFC 7693 section 2.9): derives one key from another.
// `domain` says what for, and is different for each use. A key of another length is a programmer's
// error and aborts.
secret_bytes<32> derive_key(byte_view key, std::string_view domain);

// BLAKE2b-256 of what comes bit by bit. Not thread-safe.
class blake2b_256_hasher {
public:
  blake2b_256_hasher();
  void add(byte_view part);
  // Once; after that the hasher is as new.
  byte_array<32> finish();

private:
  alignas(64) std::array<unsigned char, 384> state_; // libsodium's crypto_generichash_blake2b_state
};

byte_array<32> sha256(byte_view message);
byte_array<32> sha256(std::initializer_list<byte_view> parts);
byte_array<64> sha512(byte_view message);

byte_array<32> hmac_sha256(byte_view key, byte_view message);
byte_array<32> hmac_sha256(byte_view key, std::initializer_list<byte_view> parts);

// HKDF as the Noise Protocol Framework (revision 34, section 4.3) defines it: RFC 5869 with the
// chaining key as salt and no info.
struct hkdf_pair {
  secret_bytes<32> first, second;
};
struct hkdf_triple {
  secret_bytes<32> first, second, third;
};
hkdf_pair hkdf_sha256_2(byte_view chaining_key, byte_view input);
hkdf_triple hkdf_sha256_3(byte_view chaining_key, byte_view input);

} // namespace kith::crypto
