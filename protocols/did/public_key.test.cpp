// Keys in their forms: multicodec, multibase, JSON Web Key; and what is refused.
#include "protocols/did/public_key.hpp"

#include "protocols/did/test_support.hpp"
#include "runtime/crypto/base58.hpp"
#include "runtime/crypto/x25519.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::dids;
using namespace kith::dids::test;

namespace {

const std::string k1_generator =
    "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const std::string p256_generator =
    "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";

std::vector<public_key> one_of_each() {
  seeded_random random(1);
  auto x = crypto::x25519_key::generate(random).public_key();
  return {public_of(key_number(1)), public_key::from_raw(key_type::x25519, x).value(),
          public_key::from_raw(key_type::secp256k1, unhex(k1_generator)).value(),
          public_key::from_raw(key_type::p256, unhex(p256_generator)).value()};
}

std::string z(const bytes& coded) { return "z" + crypto::base58btc_encode(coded).value(); }

std::string code_of(std::string_view multibase) {
  auto key = public_key::from_multibase(multibase);
  return key ? "" : key.error().code;
}

} // namespace

TEST_CASE("a key of each type comes back from each of its forms", "[did][property]") {
  const std::string starts[] = {"z6Mk", "z6LS", "zQ3s", "zDna"};
  for (const auto& key : one_of_each()) {
    INFO(to_string(key.type()));
    auto text = key.multibase();
    CHECK(text.starts_with(starts[std::size_t(key.type())]));
    CHECK(public_key::from_multibase(text).value() == key);
    CHECK(public_key::from_multibase("f" + to_hex(key.multicodec())).value() == key);
    CHECK(public_key::from_multicodec(key.multicodec()).value() == key);
    CHECK(public_key::from_raw(key.type(), key.raw()).value() == key);
    CHECK(public_key::from_jwk(key.jwk()).value() == key);
    CHECK(key.jwk()["crv"].as_string() == to_string(key.type()));
    CHECK(key.ed25519().has_value() == (key.type() == key_type::ed25519));
  }
}

TEST_CASE("the JSON Web Keys of did:key's vectors are the keys of their DIDs", "[did][vector]") {
  int checked = 0;
  for (const auto* file : {"ed25519-x25519.json", "secp256k1.json", "nist-curves.json"}) {
    auto all = vectors(file);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& pair = all.at(i)["verificationKeyPair"].is_object()
                             ? all.at(i)["verificationKeyPair"]
                             : all.at(i)["verificationMethod"];
      const auto& jwk = pair["publicKeyJwk"];
      auto key = public_key::from_multibase(std::string_view(all.name_at(i)).substr(8));
      if (!jwk.is_object() || !key) continue;
      CHECK(public_key::from_jwk(jwk).value() == *key);
      CHECK(key->jwk() == jwk);
      ++checked;
    }
  }
  CHECK(checked == 4); // one Ed25519, one secp256k1, two P-256
}

TEST_CASE("keys of curves that we do not have are unsupported, not malformed", "[did][vector]") {
  auto all = vectors("nist-curves.json");
  int unsupported = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto key = public_key::from_multibase(std::string_view(all.name_at(i)).substr(8));
    if (key) continue;
    CHECK(key.error().category == errc::unsupported);
    CHECK(key.error().code == "key_type");
    ++unsupported;
  }
  CHECK(unsupported == 4); // P-384 and P-521
}

TEST_CASE("a key cut at any byte is refused in every form", "[did][property]") {
  for (const auto& key : one_of_each()) {
    auto coded = key.multicodec();
    for (std::size_t size = 0; size < coded.size(); ++size)
      REQUIRE_FALSE(public_key::from_multicodec(byte_view(coded).first(size)));
    auto text = key.multibase();
    for (std::size_t size = 0; size < text.size(); ++size)
      REQUIRE_FALSE(public_key::from_multibase(text.substr(0, size)));
    coded.push_back(0);
    CHECK(public_key::from_multicodec(coded).error().code == "bad_key_length");
  }
}

TEST_CASE("what is no canonical Multikey is refused", "[did][unit]") {
  auto key = one_of_each()[0];
  auto right = key.multicodec();
  REQUIRE(code_of(z(right)).empty());
  bytes long_varint{0xed, 0x81, 0x00};
  append(long_varint, key.raw());
  CHECK(code_of(z(long_varint)) == "bad_multicodec");
  auto zero_before = right;
  zero_before.insert(zero_before.begin(), 0);
  CHECK(code_of(z(zero_before)) == "bad_multicodec"); // 0 is "identity"
  CHECK(code_of("F" + to_hex(right)) == "bad_multibase");
  auto capital = "f" + to_hex(right);
  capital[1] = 'E';
  CHECK(code_of(capital) == "bad_multibase");
  CHECK(code_of("fed0") == "bad_multibase");
  CHECK(code_of("m" + to_hex(right)) == "bad_multibase");
  CHECK(code_of("") == "bad_multibase");
  CHECK(code_of("z") == "bad_multicodec");
  CHECK(code_of("z0OIl") == "bad_multibase");
  CHECK(code_of("z" + std::string(public_key::multibase_size_max, '2')) == "bad_multibase");
  CHECK(code_of(z(right) + "\n") == "bad_multibase");

  bytes uncompressed{0xe7, 0x01};
  append(uncompressed, unhex("04" + std::string(128, '1')));
  CHECK(code_of(z(uncompressed)) == "bad_key_length");
}

TEST_CASE("what is no point, or one of small order, is no key", "[did][unit]") {
  auto refused = [](key_type type, std::string_view hex) {
    auto key = public_key::from_raw(type, unhex(hex));
    return !key && key.error().category == errc::malformed ? key.error().code : "";
  };
  auto zeros = std::string(64, '0');
  // The neutral point, one of order 8, and a y that is on no point.
  CHECK(refused(key_type::ed25519, "01" + zeros.substr(2)) == "bad_public_key");
  CHECK(refused(key_type::ed25519,
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a") ==
        "bad_public_key");
  CHECK(refused(key_type::ed25519, "02" + zeros.substr(2)) == "bad_public_key");
  CHECK(refused(key_type::x25519, zeros) == "bad_public_key");
  CHECK(refused(key_type::x25519,
                "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800") ==
        "bad_public_key");
  CHECK(refused(key_type::secp256k1, "02" + zeros) == "bad_public_key");
  CHECK(refused(key_type::p256, "02" + std::string(64, 'f')) == "bad_public_key");
  CHECK(refused(key_type::p256, "02") == "bad_key_length");
  CHECK(refused(key_type::ed25519, zeros + "00") == "bad_key_length");
}

TEST_CASE("a JSON Web Key that is not whole, or shows its secret, is refused", "[did][unit]") {
  for (const auto& key : one_of_each()) {
    auto jwk = key.jwk();
    auto broken = [&](std::string_view name, json v) {
      auto copy = jwk;
      copy.set(name, std::move(v));
      return public_key::from_jwk(copy);
    };
    CHECK(broken("d", "AAAA").error().code == "bad_jwk");
    CHECK(broken("kty", nullptr).error().code == "bad_jwk");
    CHECK(broken("x", 7).error().code == "bad_jwk");
    CHECK(broken("x", "AAAA").error().code == "bad_jwk");
    CHECK(broken("x", "not base64url!").error().code == "bad_base64url");
    CHECK(broken("x", jwk["x"].as_string() + "=").error().code == "bad_base64url");
    CHECK(broken("crv", "P-384").error().category == errc::unsupported);
    CHECK(broken("crv", nullptr).error().category == errc::unsupported);
    CHECK(broken("kty", "RSA").error().category == errc::unsupported);
    CHECK(broken("kid", "named")); // further members do no harm
    if (jwk["y"].is_string()) {
      CHECK(broken("y", jwk["x"]).error().code == "bad_public_key");
      CHECK(broken("y", nullptr).error().code == "bad_jwk");
    }
  }
  CHECK(public_key::from_jwk(json()).error().code == "bad_jwk");
  CHECK(public_key::from_jwk(json::array()).error().code == "bad_jwk");
}

TEST_CASE("base64url has one text for some bytes", "[did][unit]") {
  CHECK(to_base64url(bytes{0xfb, 0xff, 0xbf}) == "-_-_");
  for (std::size_t size = 0; size < 9; ++size) {
    bytes b(size, 0xfe);
    REQUIRE(from_base64url(to_base64url(b)).value() == b);
  }
  for (std::string_view text : {"A", "AAAAA", "AA==", "A+", "A/", "AB", "AAB", "A A", "\xff"}) {
    INFO(text);
    CHECK(from_base64url(text).error().code == "bad_base64url");
  }
}
