// The EVP context keeps the expanded key; a message sets only its nonce, feeds data and reads or
// checks the tag.
#include "runtime/crypto/aead.hpp"

#include "runtime/crypto/require.hpp"

#include <openssl/evp.h>
#include <sodium.h>

namespace kith::crypto {

aead_nonce counter_nonce(std::uint64_t n) {
  aead_nonce nonce{};
  for (int i = 0; i < 8; ++i) nonce[4 + i] = std::uint8_t(n >> (8 * i));
  return nonce;
}

struct chacha20_poly1305::context {
  EVP_CIPHER_CTX* evp = nullptr;

  explicit context(std::span<const std::uint8_t, 32> key) : evp(EVP_CIPHER_CTX_new()) {
    require(evp != nullptr, "out of memory");
    auto ok = EVP_CipherInit_ex(evp, EVP_chacha20_poly1305(), nullptr, key.data(), nullptr, 1);
    require(ok == 1, "OpenSSL has no ChaCha20-Poly1305");
  }
  context(const context&) = delete;
  context& operator=(const context&) = delete;
  ~context() { EVP_CIPHER_CTX_free(evp); } // wipes the key

  // Starts a message and runs `in` through to `out`; the tag is still to come.
  void run(bool encrypt, const aead_nonce& nonce, byte_view ad, byte_view in, std::uint8_t* out) {
    int written = 0;
    bool ok = EVP_CipherInit_ex(evp, nullptr, nullptr, nullptr, nonce.data(), encrypt) == 1;
    if (!ad.empty())
      ok = ok && EVP_CipherUpdate(evp, nullptr, &written, ad.data(), int(ad.size())) == 1;
    if (!in.empty())
      ok = ok && EVP_CipherUpdate(evp, out, &written, in.data(), int(in.size())) == 1;
    require(ok, "ChaCha20-Poly1305 stops");
  }
  // True if the tag is right (always, when encrypting).
  bool finish() {
    std::uint8_t none[16];
    int written = 0;
    return EVP_CipherFinal_ex(evp, none, &written) == 1;
  }
};

chacha20_poly1305::chacha20_poly1305(std::span<const std::uint8_t, 32> key)
    : context_(std::make_unique<context>(key)) {}
chacha20_poly1305::chacha20_poly1305(chacha20_poly1305&&) noexcept = default;
chacha20_poly1305& chacha20_poly1305::operator=(chacha20_poly1305&&) noexcept = default;
chacha20_poly1305::~chacha20_poly1305() = default;

void chacha20_poly1305::seal(const aead_nonce& nonce, byte_view ad, byte_view plaintext,
                             std::span<std::uint8_t> out) {
  require(plaintext.size() <= message_size_max && ad.size() <= message_size_max,
          "a message to seal is too long");
  require(out.size() == plaintext.size() + tag_size, "seal needs room for the message and its tag");
  context_->run(true, nonce, ad, plaintext, out.data());
  auto* tag = out.data() + plaintext.size();
  bool ok = context_->finish() &&
            EVP_CIPHER_CTX_ctrl(context_->evp, EVP_CTRL_AEAD_GET_TAG, tag_size, tag) == 1;
  require(ok, "ChaCha20-Poly1305 gives no tag");
}

result<void> chacha20_poly1305::open(const aead_nonce& nonce, byte_view ad, byte_view sealed,
                                     std::span<std::uint8_t> out) {
  if (sealed.size() < tag_size) return fail(errc::unauthenticated, "bad_tag", "shorter than a tag");
  if (sealed.size() > message_size_max || ad.size() > message_size_max)
    return fail(errc::too_large, "message_too_large", "a sealed message of more than 1 GiB");
  require(out.size() == sealed.size() - tag_size, "open needs exactly the room of the message");
  byte_array<tag_size> tag; // a copy: EVP takes it as not const
  std::memcpy(tag.data(), sealed.data() + out.size(), tag_size);
  context_->run(false, nonce, ad, sealed.first(out.size()), out.data());
  bool ok = EVP_CIPHER_CTX_ctrl(context_->evp, EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1;
  if (ok && context_->finish()) return {};
  wipe(out);
  return fail(errc::unauthenticated, "bad_tag",
              "a sealed message was changed, or the key is another");
}

namespace {
constexpr std::size_t box_nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
static_assert(box_overhead == box_nonce_size + crypto_aead_xchacha20poly1305_ietf_ABYTES);
} // namespace

bytes box_seal(std::span<const std::uint8_t, 32> key, random_source& random, byte_view ad,
               byte_view plaintext) {
  start_sodium();
  bytes box(plaintext.size() + box_overhead);
  random.fill(std::span(box).first(box_nonce_size));
  crypto_aead_xchacha20poly1305_ietf_encrypt(box.data() + box_nonce_size, nullptr, plaintext.data(),
                                             plaintext.size(), ad.data(), ad.size(), nullptr,
                                             box.data(), key.data());
  return box;
}

result<secret_buffer> box_open(std::span<const std::uint8_t, 32> key, byte_view ad, byte_view box) {
  start_sodium();
  if (box.size() < box_overhead)
    return fail(errc::unauthenticated, "bad_tag", "shorter than an empty box");
  secret_buffer out(box.size() - box_overhead);
  auto sealed = box.subspan(box_nonce_size);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(out.expose_mutable().data(), nullptr, nullptr,
                                                 sealed.data(), sealed.size(), ad.data(), ad.size(),
                                                 box.data(), key.data()) != 0)
    return fail(errc::unauthenticated, "bad_tag", "a box was changed, or the key is another");
  return out;
}

} // namespace kith::crypto
