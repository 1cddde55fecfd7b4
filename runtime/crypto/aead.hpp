// Authenticated encryption: ChaCha20-Poly1305 (RFC 8439) for links, by OpenSSL because it is three
// times as fast as libsodium there, and XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with random
// nonces for what is kept at rest.
#pragma once

#include "runtime/crypto/secret.hpp"

#include <memory>

namespace kith::crypto {

using aead_nonce = byte_array<12>;

// The nonce of Noise (revision 34, section 12.3): 4 zero bytes, then `n` little-endian.
aead_nonce counter_nonce(std::uint64_t n);

// One key, set up once; each message then costs only its own bytes. The caller never uses a nonce
// twice. Not thread-safe: one a direction of a link. A moved-from one may only be destroyed or
// assigned to.
class chacha20_poly1305 {
public:
  static constexpr std::size_t key_size = 32;
  static constexpr std::size_t tag_size = 16;
  static constexpr std::size_t message_size_max =
      std::size_t(1) << 30; // longer aborts (seal) or is refused (open)

  explicit chacha20_poly1305(std::span<const std::uint8_t, 32> key);
  chacha20_poly1305(chacha20_poly1305&&) noexcept;
  chacha20_poly1305& operator=(chacha20_poly1305&&) noexcept;
  ~chacha20_poly1305();

  // Writes plaintext.size() + tag_size bytes, ciphertext then tag; `out` has exactly that size, or
  // the process aborts (a programmer's error). In place if `out` begins where `plaintext` does; no
  // other overlap.
  void seal(const aead_nonce& nonce, byte_view ad, byte_view plaintext,
            std::span<std::uint8_t> out);
  // Writes sealed.size() - tag_size bytes; `out` has exactly that size. In place as seal.
  // unauthenticated "bad_tag" if anything was changed, and for less than a tag; `out` is zeroed
  // then.
  result<void> open(const aead_nonce& nonce, byte_view ad, byte_view sealed,
                    std::span<std::uint8_t> out);

private:
  struct context;
  std::unique_ptr<context> context_; // hides OpenSSL
};

// A sealed box for keeping: 24 random nonce bytes, ciphertext, 16 tag bytes. `ad` is authenticated,
// not stored.
inline constexpr std::size_t box_overhead = 24 + 16;
bytes box_seal(std::span<const std::uint8_t, 32> key, random_source& random, byte_view ad,
               byte_view plaintext);
// unauthenticated "bad_tag" if anything was changed, the key is another, or the box is too short.
result<secret_buffer> box_open(std::span<const std::uint8_t, 32> key, byte_view ad, byte_view box);

} // namespace kith::crypto
