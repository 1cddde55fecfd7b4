// BLAKE2b by libsodium, SHA-256 by OpenSSL (four times libsodium's speed on processors with SHA
// instructions).
#include "runtime/crypto/hash.hpp"

#include "runtime/crypto/require.hpp"

#include <memory>
#include <openssl/evp.h>
#include <sodium.h>

namespace kith::crypto {
namespace {

crypto_generichash_blake2b_state* blake(unsigned char* state) {
  return reinterpret_cast<crypto_generichash_blake2b_state*>(state);
}

// A thread's own digest context. Fetching the algorithm and making a context cost more than hashing
// a short message.
class sha256_context {
public:
  sha256_context()
      : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    require(algorithm_ && context_, "OpenSSL has no SHA-256");
  }
  sha256_context(const sha256_context&) = delete;
  sha256_context& operator=(const sha256_context&) = delete;
  ~sha256_context() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }

  void begin() {
    require(EVP_DigestInit_ex(context_, algorithm_, nullptr) == 1, "SHA-256 does not begin");
  }
  void add(byte_view b) {
    require(EVP_DigestUpdate(context_, b.data(), b.size()) == 1, "SHA-256 stops");
  }
  byte_array<32> finish() {
    byte_array<32> out;
    require(EVP_DigestFinal_ex(context_, out.data(), nullptr) == 1, "SHA-256 does not end");
    return out;
  }

private:
  EVP_MD* algorithm_;
  EVP_MD_CTX* context_;
};

sha256_context& this_thread_sha256() {
  static thread_local sha256_context context;
  return context;
}

constexpr std::size_t sha256_block = 64;

} // namespace

byte_array<32> blake2b_256(byte_view message) {
  start_sodium();
  byte_array<32> out;
  crypto_generichash_blake2b(out.data(), out.size(), message.data(), message.size(), nullptr, 0);
  return out;
}

byte_array<32> blake2b_256(std::initializer_list<byte_view> parts) {
  blake2b_256_hasher hasher;
  for (auto part : parts) hasher.add(part);
  return hasher.finish();
}

byte_array<16> blake2b_128(byte_view message) {
  start_sodium();
  byte_array<16> out;
  crypto_generichash_blake2b(out.data(), out.size(), message.data(), message.size(), nullptr, 0);
  return out;
}

secret_bytes<32> derive_key(byte_view key, std::string_view domain) {
  require(key.size() >= crypto_generichash_blake2b_KEYBYTES_MIN &&
              key.size() <= crypto_generichash_blake2b_KEYBYTES_MAX,
          "a key to derive from has 16 to 64 bytes");
  start_sodium();
  secret_bytes<32> out;
  auto message = as_bytes(domain);
  crypto_generichash_blake2b(out.expose_mutable().data(), 32, message.data(), message.size(),
                             key.data(), key.size());
  return out;
}

blake2b_256_hasher::blake2b_256_hasher() {
  static_assert(sizeof(crypto_generichash_blake2b_state) == sizeof state_);
  static_assert(alignof(crypto_generichash_blake2b_state) <= 64);
  start_sodium();
  crypto_generichash_blake2b_init(blake(state_.data()), nullptr, 0, 32);
}

void blake2b_256_hasher::add(byte_view part) {
  crypto_generichash_blake2b_update(blake(state_.data()), part.data(), part.size());
}

byte_array<32> blake2b_256_hasher::finish() {
  byte_array<32> out;
  crypto_generichash_blake2b_final(blake(state_.data()), out.data(), out.size());
  crypto_generichash_blake2b_init(blake(state_.data()), nullptr, 0, 32);
  return out;
}

byte_array<32> sha256(byte_view message) { return sha256({message}); }

byte_array<32> sha256(std::initializer_list<byte_view> parts) {
  auto& context = this_thread_sha256();
  context.begin();
  for (auto part : parts) context.add(part);
  return context.finish();
}

byte_array<32> hmac_sha256(byte_view key, byte_view message) { return hmac_sha256(key, {message}); }

byte_array<32> hmac_sha256(byte_view key, std::initializer_list<byte_view> parts) {
  secret_bytes<sha256_block> pad;
  auto block = pad.expose_mutable();
  if (key.size() > block.size()) {
    auto shortened = sha256({key});
    std::memcpy(block.data(), shortened.data(), shortened.size());
    wipe(shortened);
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  auto& context = this_thread_sha256();
  for (auto& b : block) b ^= 0x36;
  context.begin();
  context.add(block);
  for (auto part : parts) context.add(part);
  auto inner = context.finish();
  for (auto& b : block) b ^= 0x36 ^ 0x5c;
  context.begin();
  context.add(block);
  context.add(inner);
  wipe(inner);
  return context.finish();
}

hkdf_triple hkdf_sha256_3(byte_view chaining_key, byte_view input) {
  auto keep = [](byte_array<32> raw) {
    secret_bytes<32> kept{std::span<const std::uint8_t, 32>(raw)};
    wipe(raw);
    return kept;
  };
  constexpr std::uint8_t counter[] = {1, 2, 3};
  auto number = [&](int n) { return byte_view(&counter[n - 1], 1); };
  auto extracted = keep(hmac_sha256(chaining_key, input));
  hkdf_triple out;
  out.first = keep(hmac_sha256(extracted.expose(), number(1)));
  out.second = keep(hmac_sha256(extracted.expose(), {out.first.expose(), number(2)}));
  out.third = keep(hmac_sha256(extracted.expose(), {out.second.expose(), number(3)}));
  return out;
}

hkdf_pair hkdf_sha256_2(byte_view chaining_key, byte_view input) {
  auto all =
      hkdf_sha256_3(chaining_key, input); // the third costs a microsecond, in handshakes only
  return {std::move(all.first), std::move(all.second)};
}

} // namespace kith::crypto
