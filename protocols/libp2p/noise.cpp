// See noise.hpp. The names are those of the specification's section 5: MixHash, MixKey,
// EncryptAndHash, Split.
#include "protocols/libp2p/noise.hpp"

#include "runtime/crypto/hash.hpp"

#include <limits>

namespace kith::libp2p {

static constexpr std::uint64_t nonce_reserved = std::numeric_limits<std::uint64_t>::max();

static tl::unexpected<error> used_up() {
  return fail(errc::unavailable, "noise_nonces_used_up", "dial a new connection");
}

result<void> noise_cipher::seal(byte_view ad, byte_view plaintext, std::span<std::uint8_t> out) {
  if (nonce_ == nonce_reserved) return used_up();
  aead_.seal(crypto::counter_nonce(nonce_++), ad, plaintext, out);
  return {};
}

result<void> noise_cipher::open(byte_view ad, byte_view sealed, std::span<std::uint8_t> out) {
  if (nonce_ == nonce_reserved) return used_up();
  if (!aead_.open(crypto::counter_nonce(nonce_), ad, sealed, out))
    return fail(errc::unauthenticated, "noise_decrypt",
                "a message was changed on its way or is not the peer's");
  ++nonce_;
  return {};
}

noise_handshake::noise_handshake(role side, crypto::x25519_key static_key,
                                 crypto::x25519_key ephemeral_key, byte_view prologue)
    : side_(side), static_(std::move(static_key)), ephemeral_(std::move(ephemeral_key)) {
  // The name has exactly 32 bytes, so it is the first hash itself (section 5.2,
  // InitializeSymmetric).
  constexpr std::string_view name = "Noise_XX_25519_ChaChaPoly_SHA256";
  static_assert(name.size() == 32);
  std::memcpy(hash_.data(), name.data(), 32);
  chaining_key_ = crypto::secret_bytes<32>(hash_);
  mix_hash(prologue);
}

std::span<const noise_handshake::token> noise_handshake::tokens_of(int message_index) {
  static constexpr token first[] = {token::e};
  static constexpr token second[] = {token::e, token::ee, token::s, token::es};
  static constexpr token third[] = {token::s, token::se};
  if (message_index == 0) return first;
  if (message_index == 1) return second;
  return third;
}

static tl::unexpected<error> out_of_turn() {
  return fail(errc::internal, "noise_out_of_turn", "the handshake awaits the other side");
}

result<bytes> noise_handshake::write(byte_view payload) {
  if (!writes_next()) return out_of_turn();
  bytes out;
  for (auto t : tokens_of(message_index_)) KITH_TRY(write_token(t, out));
  KITH_TRY(encrypt_and_hash(payload, out));
  if (out.size() > noise_message_max) return fail(errc::too_large, "noise_message_too_large");
  ++message_index_;
  return out;
}

result<bytes> noise_handshake::read(byte_view message) {
  if (complete() || writes_next()) return out_of_turn();
  byte_reader in(message);
  for (auto t : tokens_of(message_index_)) KITH_TRY(read_token(t, in));
  KITH_ASSIGN(auto payload, decrypt_and_hash(in.rest()));
  ++message_index_;
  return payload;
}

result<void> noise_handshake::write_token(token t, bytes& out) {
  if (t == token::e) {
    append(out, ephemeral_.public_key());
    mix_hash(ephemeral_.public_key());
    return {};
  }
  if (t == token::s) return encrypt_and_hash(static_.public_key(), out);
  return mix_dh(t);
}

result<void> noise_handshake::read_token(token t, byte_reader& in) {
  if (t != token::e && t != token::s) return mix_dh(t);
  auto field = in.take(32 + (t == token::s && cipher_ ? noise_tag_size : 0));
  if (!in.ok()) return fail(errc::malformed, "bad_noise_message", "cut short");
  byte_array<32> key;
  if (t == token::e) {
    std::memcpy(key.data(), field.data(), key.size());
    remote_ephemeral_ = key;
    mix_hash(key);
  } else {
    KITH_ASSIGN(auto opened, decrypt_and_hash(field));
    std::memcpy(key.data(), opened.data(), key.size());
    remote_static_ = key;
  }
  return {};
}

// The first letter names the dialer's key, the second the listener's.
result<void> noise_handshake::mix_dh(token t) {
  bool dialer = side_ == role::dialer;
  bool ours_is_static = t == (dialer ? token::se : token::es);
  bool theirs_is_static = t == (dialer ? token::es : token::se);
  auto& theirs = theirs_is_static ? remote_static_ : remote_ephemeral_;
  auto& ours = ours_is_static ? static_ : ephemeral_;
  KITH_ASSIGN(auto shared, ours.shared_secret(*theirs));
  mix_key(shared.expose());
  return {};
}

void noise_handshake::mix_key(byte_view input) {
  auto [next, key] = crypto::hkdf_sha256_2(chaining_key_.expose(), input);
  chaining_key_ = std::move(next);
  cipher_.emplace(key.expose());
}

void noise_handshake::mix_hash(byte_view b) { hash_ = crypto::sha256({hash_, b}); }

result<void> noise_handshake::encrypt_and_hash(byte_view plaintext, bytes& out) {
  auto begin = out.size();
  if (cipher_) {
    out.resize(begin + plaintext.size() + noise_tag_size);
    KITH_TRY(cipher_->seal(hash_, plaintext, std::span(out).subspan(begin)));
  } else {
    append(out, plaintext);
  }
  mix_hash(byte_view(out).subspan(begin));
  return {};
}

result<bytes> noise_handshake::decrypt_and_hash(byte_view sealed) {
  if (!cipher_) {
    mix_hash(sealed);
    return to_bytes(sealed);
  }
  if (sealed.size() < noise_tag_size)
    return fail(errc::malformed, "bad_noise_message", "cut short");
  bytes out(sealed.size() - noise_tag_size);
  KITH_TRY(cipher_->open(hash_, sealed, out));
  mix_hash(sealed);
  return out;
}

noise_handshake::ciphers noise_handshake::split() {
  auto [first, second] = crypto::hkdf_sha256_2(chaining_key_.expose(), {});
  bool dialer = side_ == role::dialer;
  return {noise_cipher((dialer ? first : second).expose()),
          noise_cipher((dialer ? second : first).expose())};
}

} // namespace kith::libp2p
