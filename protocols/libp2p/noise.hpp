// Noise_XX_25519_ChaChaPoly_SHA256, as the Noise Protocol Framework revision 34 describes it
// (sections 5 and 7.5): the handshake that proves who the peer is and yields one cipher a
// direction. What libp2p adds stands in noise_payload.hpp, the frames after the handshake in
// noise_transport.hpp.
#pragma once

#include "protocols/libp2p/role.hpp"
#include "runtime/crypto/aead.hpp"
#include "runtime/crypto/x25519.hpp"

#include <optional>

namespace kith::libp2p {

inline constexpr std::string_view noise_protocol = "/noise";
inline constexpr std::size_t noise_message_max =
    65535; // bytes, with tag, without the length prefix
inline constexpr std::size_t noise_tag_size = crypto::chacha20_poly1305::tag_size;

// A CipherState with a key (section 5.1). The last nonce is reserved: when it is reached, nothing
// more goes through.
class noise_cipher {
public:
  explicit noise_cipher(std::span<const std::uint8_t, 32> key, std::uint64_t nonce = 0)
      : aead_(key), nonce_(nonce) {}

  // `out` as for chacha20_poly1305, in place too. Errors: unavailable "noise_nonces_used_up".
  result<void> seal(byte_view ad, byte_view plaintext, std::span<std::uint8_t> out);
  // Errors: as seal(); unauthenticated "noise_decrypt".
  result<void> open(byte_view ad, byte_view sealed, std::span<std::uint8_t> out);

private:
  crypto::chacha20_poly1305 aead_;
  std::uint64_t nonce_;
};

// One side of the handshake: three messages, the dialer's first. After an error it is of no more
// use.
class noise_handshake {
public:
  struct ciphers {
    noise_cipher send, receive;
  };

  // `ephemeral_key` must be used for nothing else.
  noise_handshake(role side, crypto::x25519_key static_key, crypto::x25519_key ephemeral_key,
                  byte_view prologue = {});

  bool complete() const { return message_index_ == 3; }
  // Whose turn it is.
  bool writes_next() const {
    return !complete() && (message_index_ % 2 == 0) == (side_ == role::dialer);
  }

  // The next message with `payload` in it, which the first sends in the clear. Errors: malformed
  // "weak_public_key"; too_large "noise_message_too_large"; internal "noise_out_of_turn".
  result<bytes> write(byte_view payload);
  // The payload of the peer's next message. Errors: malformed "bad_noise_message",
  // "weak_public_key"; unauthenticated "noise_decrypt"; internal "noise_out_of_turn".
  result<bytes> read(byte_view message);

  const byte_array<32>& static_public() const { return static_.public_key(); }
  // From message 2 (dialer) or 3 (listener) on.
  const std::optional<byte_array<32>>& remote_static() const { return remote_static_; }
  // The transcript so far; once complete, the same on both sides and unique to them (section 11.2).
  const byte_array<32>& hash() const { return hash_; }
  // Once, when complete.
  ciphers split();

private:
  enum class token : std::uint8_t { e, s, ee, es, se };

  static std::span<const token> tokens_of(int message_index);
  result<void> write_token(token t, bytes& out);
  result<void> read_token(token t, byte_reader& in);
  result<void> mix_dh(token t);
  void mix_key(byte_view input);
  void mix_hash(byte_view b);
  result<void> encrypt_and_hash(byte_view plaintext, bytes& out);
  result<bytes> decrypt_and_hash(byte_view sealed);

  role side_;
  crypto::x25519_key static_;
  crypto::x25519_key ephemeral_;
  std::optional<byte_array<32>> remote_static_;
  std::optional<byte_array<32>> remote_ephemeral_;
  crypto::secret_bytes<32> chaining_key_;
  byte_array<32> hash_{};
  std::optional<noise_cipher> cipher_;
  int message_index_ = 0;
};

} // namespace kith::libp2p
