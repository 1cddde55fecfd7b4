// Known answers of the specifications, properties, and what must be refused.
#include "runtime/crypto/aead.hpp"

#include "runtime/crypto/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::crypto;
using test::unhex;
using test::unhex_array;

namespace {

constexpr std::string_view sunscreen =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
    "the future, sunscreen would be it.";
const auto rfc_key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
const auto rfc_ad = "50515253c0c1c2c3c4c5c6c7";

// Gives the bytes it was made with, once.
class fixed_random final : public random_source {
public:
  explicit fixed_random(bytes b) : bytes_(std::move(b)) {}
  void fill(std::span<std::uint8_t> out) override {
    REQUIRE(out.size() == bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), out.begin());
  }

private:
  bytes bytes_;
};

bytes sealed(chacha20_poly1305& cipher, const aead_nonce& nonce, byte_view ad,
             byte_view plaintext) {
  bytes out(plaintext.size() + chacha20_poly1305::tag_size);
  cipher.seal(nonce, ad, plaintext, out);
  return out;
}

} // namespace

TEST_CASE("ChaCha20-Poly1305 gives the answer of RFC 8439 section 2.8.2", "[crypto][vector]") {
  chacha20_poly1305 cipher(unhex_array<32>(rfc_key));
  auto nonce = unhex_array<12>("070000004041424344454647");
  auto expected = "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca96712"
                  "82fafb69da92728b1a71"
                  "de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585"
                  "808b4831d7bc3ff4def0"
                  "8e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691";
  auto out = sealed(cipher, nonce, unhex(rfc_ad), as_bytes(sunscreen));
  CHECK(to_hex(out) == expected);
  bytes opened(sunscreen.size());
  REQUIRE(cipher.open(nonce, unhex(rfc_ad), out, opened));
  CHECK(as_text(opened) == sunscreen);
}

TEST_CASE("one cipher seals and opens messages of all sizes in any order, also in place",
          "[crypto][property]") {
  seeded_random random(1);
  auto key = secret_bytes<32>::random(random);
  chacha20_poly1305 reused(key.expose());
  std::uint64_t n = 0;
  for (std::size_t size : {0, 1, 15, 16, 17, 63, 64, 65, 200, 1000, 65519, 65535, 3}) {
    bytes message(size), ad(size % 40);
    random.fill(message);
    random.fill(ad);
    auto nonce = counter_nonce(n++);
    chacha20_poly1305 fresh(key.expose());
    auto expected = sealed(fresh, nonce, ad, message);
    REQUIRE(sealed(reused, nonce, ad, message) == expected);

    bytes buffer = message;
    buffer.resize(size + chacha20_poly1305::tag_size);
    reused.seal(nonce, ad, byte_view(buffer).first(size), buffer);
    REQUIRE(buffer == expected);
    REQUIRE(reused.open(nonce, ad, buffer, std::span(buffer).first(size)));
    REQUIRE(equal(byte_view(buffer).first(size), message));
  }
}

TEST_CASE("a sealed message with any byte changed or cut is refused and its room zeroed",
          "[crypto][property]") {
  chacha20_poly1305 cipher(byte_array<32>{9});
  auto nonce = counter_nonce(1);
  auto ad = as_bytes("context");
  auto good = sealed(cipher, nonce, ad, as_bytes("twenty bytes of text"));
  auto refused = [&](const aead_nonce& with, byte_view about, byte_view b) {
    bytes out(b.size() < 16 ? 0 : b.size() - 16, 0xff);
    auto opened = cipher.open(with, about, b, out);
    return !opened && opened.error().code == "bad_tag" && out == bytes(out.size(), 0);
  };
  CHECK_FALSE(refused(nonce, ad, good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto changed = good;
    changed[i] ^= 0x40;
    REQUIRE(refused(nonce, ad, changed));
    REQUIRE(refused(nonce, ad, byte_view(good).first(i)));
  }
  CHECK(refused(counter_nonce(2), ad, good));
  CHECK(refused(nonce, as_bytes("Context"), good));
  CHECK(refused(nonce, {}, good));
  CHECK_FALSE(refused(nonce, ad, good)); // a refusal leaves the cipher usable
}

TEST_CASE("a moved cipher keeps its key", "[crypto][unit]") {
  chacha20_poly1305 a(byte_array<32>{1});
  auto expected = sealed(a, counter_nonce(0), {}, as_bytes("x"));
  chacha20_poly1305 b(byte_array<32>{2});
  CHECK(sealed(b, counter_nonce(0), {}, as_bytes("x")) != expected);
  b = std::move(a);
  CHECK(sealed(b, counter_nonce(0), {}, as_bytes("x")) == expected);
}

TEST_CASE("a counter makes the nonce that Noise prescribes", "[crypto][unit]") {
  CHECK(to_hex(counter_nonce(0)) == "000000000000000000000000");
  CHECK(to_hex(counter_nonce(0x0102030405060708)) == "000000000807060504030201");
}

TEST_CASE("a box is the XChaCha20-Poly1305 of draft-irtf-cfrg-xchacha-03 behind its nonce",
          "[crypto][vector]") {
  auto nonce = "404142434445464748494a4b4c4d4e4f5051525354555657";
  fixed_random random(unhex(nonce));
  auto key = unhex_array<32>(rfc_key);
  auto box = box_seal(key, random, unhex(rfc_ad), as_bytes(sunscreen));
  CHECK(to_hex(box) == std::string(nonce) + "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed290"
                                            "2c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c"
                                            "54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e"
                                            "3f3fac2bc369488f76b2383565d3fff921f9664c97637da97688"
                                            "12f615c68b13b52ec0875924c1c7987947deafd8780acf49");
  CHECK(as_text(box_open(key, unhex(rfc_ad), box).value().expose()) == sunscreen);
}

TEST_CASE("a box with any byte changed or cut, another key or other data is refused",
          "[crypto][property]") {
  seeded_random random(2);
  byte_array<32> key{1}, other{2};
  auto box = box_seal(key, random, as_bytes("ad"), as_bytes("text"));
  REQUIRE(box.size() == 4 + box_overhead);
  REQUIRE(box_open(key, as_bytes("ad"), box));
  for (std::size_t i = 0; i < box.size(); ++i) {
    auto changed = box;
    changed[i] ^= 1;
    REQUIRE(box_open(key, as_bytes("ad"), changed).error().code == "bad_tag");
    REQUIRE(box_open(key, as_bytes("ad"), byte_view(box).first(i)).error().code == "bad_tag");
  }
  CHECK(box_open(other, as_bytes("ad"), box).error().code == "bad_tag");
  CHECK(box_open(key, as_bytes("da"), box).error().code == "bad_tag");
  CHECK(box_seal(key, random, as_bytes("ad"), as_bytes("text")) != box); // another nonce
}
