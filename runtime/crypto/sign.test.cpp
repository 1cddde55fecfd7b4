// Ed25519 and X25519 against the vectors of their RFCs, and the keys and signatures that must be
// refused.
#include "runtime/crypto/ed25519.hpp"
#include "runtime/crypto/test_support.hpp"
#include "runtime/crypto/x25519.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::crypto;
using test::unhex;
using test::unhex_array;

TEST_CASE("Ed25519 gives the keys and signatures of RFC 8032 section 7.1", "[crypto][vector]") {
  struct row {
    const char *seed, *public_key, *message, *signature;
  };
  const row rows[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
       "9b46bd25bf5f0595bbe24"
       "655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
       "11d8c387b2eaeb4302aee"
       "b00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
       "dc6594a7c15e9716ed28d"
       "c027beceea1ec40a"},
  };
  for (const auto& r : rows) {
    auto key = ed25519_key::from_seed(unhex_array<32>(r.seed));
    auto message = unhex(r.message);
    CHECK(to_hex(key.public_key()) == r.public_key);
    CHECK(to_hex(key.expose_seed()) == r.seed);
    auto signature = key.clone().sign(message);
    CHECK(to_hex(signature) == r.signature);
    CHECK(ed25519_verify(key.public_key(), message, signature));
  }
}

TEST_CASE("an Ed25519 signature with any byte changed is refused", "[crypto][property]") {
  auto key = ed25519_key::from_seed(byte_array<32>{1});
  bytes message{1, 2, 3, 4};
  auto signature = key.sign(message);
  REQUIRE(ed25519_verify(key.public_key(), message, signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto changed = signature;
    changed[i] ^= 1;
    REQUIRE_FALSE(ed25519_verify(key.public_key(), message, changed));
  }
  for (std::size_t i = 0; i < 32; ++i) {
    auto changed = key.public_key();
    changed[i] ^= 1;
    REQUIRE_FALSE(ed25519_verify(changed, message, signature));
  }
  message[3] = 5;
  CHECK_FALSE(ed25519_verify(key.public_key(), message, signature));
}

TEST_CASE("an Ed25519 signature is not valid a second time with the group's order added to S",
          "[crypto][unit]") {
  auto key = ed25519_key::from_seed(byte_array<32>{2});
  auto signature = key.sign(as_bytes("pay"));
  const auto order =
      unhex_array<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += unsigned(signature[32 + i]) + order[i];
    signature[32 + i] = std::uint8_t(carry);
    carry >>= 8;
  }
  REQUIRE(carry == 0);
  CHECK_FALSE(ed25519_verify(key.public_key(), as_bytes("pay"), signature));
}

TEST_CASE("Ed25519 keys of small order and keys not canonically encoded are refused",
          "[crypto][unit]") {
  // With the neutral element as key, R = neutral and S = 0 satisfy the bare equation for every
  // message.
  byte_array<32> neutral{1};
  ed25519_signature forged{1};
  CHECK_FALSE(ed25519_verify(neutral, as_bytes("anything"), forged));
  CHECK(x25519_from_ed25519(neutral).error().code == "bad_public_key");
  // The same point as 2^255 - 19 + 1.
  auto other = unhex_array<32>("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
  CHECK_FALSE(ed25519_verify(other, as_bytes("anything"), forged));
  // An R of small order under a proper key.
  auto key = ed25519_key::from_seed(byte_array<32>{3});
  CHECK_FALSE(ed25519_verify(key.public_key(), as_bytes("anything"), forged));
}

TEST_CASE("X25519 gives the answers of RFC 7748 sections 5.2 and 6.1", "[crypto][vector]") {
  auto scalar = x25519_key::from_secret(
      unhex_array<32>("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"));
  auto point = unhex_array<32>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
  CHECK(to_hex(scalar.shared_secret(point).value().expose()) ==
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");

  auto alice = x25519_key::from_secret(
      unhex_array<32>("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  auto bob = x25519_key::from_secret(
      unhex_array<32>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  CHECK(to_hex(alice.public_key()) ==
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  CHECK(to_hex(bob.public_key()) ==
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  auto shared = alice.shared_secret(bob.public_key()).value();
  CHECK(to_hex(shared.expose()) ==
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  CHECK(shared == bob.clone().shared_secret(alice.public_key()).value());
}

TEST_CASE("X25519 refuses keys whose shared secret would be zero", "[crypto][unit]") {
  seeded_random random(4);
  auto key = x25519_key::generate(random);
  CHECK(key.shared_secret({}).error().code == "weak_public_key");
  CHECK(key.shared_secret(byte_array<32>{1}).error().code == "weak_public_key");
  // A point of order 8 (RFC 7748 section 6.1 and the list of D. J. Bernstein).
  auto order_8 =
      unhex_array<32>("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
  CHECK(key.shared_secret(order_8).error().code == "weak_public_key");
}

TEST_CASE("an Ed25519 key converted to X25519 agrees with its converted public key",
          "[crypto][property]") {
  seeded_random random(5);
  auto other = x25519_key::generate(random);
  for (int i = 0; i < 20; ++i) {
    auto seed = secret_bytes<32>::random(random);
    auto signing = ed25519_key::from_seed(seed.expose());
    auto agreeing = x25519_key::from_secret(signing.to_x25519().expose());
    auto converted = x25519_from_ed25519(signing.public_key());
    REQUIRE(converted.value() == agreeing.public_key());
    REQUIRE(other.shared_secret(*converted).value() ==
            agreeing.shared_secret(other.public_key()).value());
  }
}
