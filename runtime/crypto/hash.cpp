// BLAKE2b by libsodium, SHA-2 by OpenSSL (SHA-256 at four times libsodium's speed on processors
// with SHA instructions).
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

// A thread's own digest context for a hash of N bytes. Fetching the algorithm and making a context
// cost more than hashing a short message.
template <std::size_t N> class sha2_context {
public:
  explicit sha2_context(const char* name)
      : algorithm_(EVP_MD_fetch(nullptr, name, nullptr)), context_(EVP_MD_CTX_new()) {
    require(algorithm_ && context_, "OpenSSL has no such SHA-2");
    require(std::size_t(EVP_MD_get_size(algorithm_)) == N, "SHA-2 of another size");
  }
  sha2_context(const sha2_context&) = delete;
  sha2_context& operator=(const sha2_context&) = delete;
  ~sha2_context() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }

  void begin() {
    require(EVP_DigestInit_ex(context_, algorithm_, nullptr) == 1, "SHA-2 does not begin");
  }
  void add(byte_view b) {
    require(EVP_DigestUpdate(context_, b.data(), b.size()) == 1, "SHA-2 stops");
  }
  byte_array<N> finish() {
    byte_array<N> out;
    require(EVP_DigestFinal_ex(context_, out.data(), nullptr) == 1, "SHA-2 does not end");
    return out;
  }

private:
  EVP_MD* algorithm_;
  EVP_MD_CTX* context_;
};

sha2_context<32>& this_thread_sha256() {
  static thread_local sha2_context<32> context("SHA256");
  return context;
}

sha2_context<64>& this_thread_sha512() {
  static thread_local sha2_context<64> context("SHA512");
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

byte_array<64> sha512(byte_view message) {
  auto& context = this_thread_sha512();
  context.begin();
  context.add(message);
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
