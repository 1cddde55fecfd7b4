// Points of the curves that DIDs name but Kith does not sign with: secp256k1 and P-256.
#include "runtime/crypto/p256.hpp"
#include "runtime/crypto/secp256k1.hpp"
#include "runtime/crypto/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::crypto;
using namespace kith::crypto::test;

namespace {

// The generators: SEC 2 version 2.0 section 2.4.1, and SP 800-186 section 3.2.1.3.
const std::string k1_x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const std::string k1_y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
const std::string p256_x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
const std::string p256_y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
const std::string k1_prime = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
const std::string p256_prime = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

std::string with_x(const char* form, int x) {
  return form + std::string(62, '0') + to_hex(bytes{std::uint8_t(x)});
}

} // namespace

TEST_CASE("the generators change form both ways", "[crypto][vector]") {
  auto k1 = unhex("04" + k1_x + k1_y);
  CHECK(to_hex(secp256k1_compress(k1).value()) == "02" + k1_x);
  CHECK(equal(secp256k1_decompress(unhex("02" + k1_x)).value(), k1));
  CHECK(to_hex(secp256k1_compress(unhex("02" + k1_x)).value()) == "02" + k1_x);
  auto p256 = unhex("04" + p256_x + p256_y);
  CHECK(to_hex(p256_compress(p256).value()) == "03" + p256_x);
  CHECK(equal(p256_decompress(unhex("03" + p256_x)).value(), p256));
  CHECK(equal(p256_decompress(p256).value(), p256));
}

TEST_CASE("the two points of one x differ in y", "[crypto][unit]") {
  auto even = p256_decompress(unhex("02" + p256_x)).value();
  auto odd = p256_decompress(unhex("03" + p256_x)).value();
  CHECK(even != odd);
  CHECK(equal(byte_view(even).first(33), byte_view(odd).first(33)));
  CHECK(p256_compress(even).value()[0] == 2);
  CHECK(secp256k1_compress(secp256k1_decompress(unhex("03" + k1_x)).value()).value()[0] == 3);
}

TEST_CASE("what is no point of the curve is refused", "[crypto][unit]") {
  auto tamper = [](std::string hex) { return unhex(hex.replace(hex.size() - 2, 2, "00")); };
  for (const auto& b :
       {bytes{}, bytes{0}, unhex("00" + k1_x), unhex("06" + k1_x + k1_y), unhex("07" + k1_x + k1_y),
        unhex("05" + k1_x), unhex("04" + k1_x), unhex("02" + k1_x + k1_y), unhex(k1_x),
        tamper("04" + k1_x + k1_y), unhex("02" + k1_prime), unhex(with_x("02", 0)),
        unhex(with_x("02", 5)), unhex("04" + p256_x + p256_y)}) {
    INFO(to_hex(b));
    CHECK(secp256k1_compress(b).error().code == "bad_public_key");
    CHECK(secp256k1_decompress(b).error().category == errc::malformed);
  }
  for (const auto& b :
       {bytes{}, bytes{0}, unhex("00" + p256_x), unhex("06" + p256_x + p256_y),
        unhex("07" + p256_x + p256_y), unhex("04" + p256_x), unhex("02" + p256_x + p256_y),
        unhex(p256_x), tamper("04" + p256_x + p256_y), unhex("02" + p256_prime),
        unhex(with_x("03", 1)), unhex("04" + k1_x + k1_y)}) {
    INFO(to_hex(b));
    CHECK(p256_compress(b).error().code == "bad_public_key");
    CHECK(p256_decompress(b).error().category == errc::malformed);
  }
}

TEST_CASE("a point cut at any byte is refused", "[crypto][property]") {
  auto k1 = unhex("04" + k1_x + k1_y), p256 = unhex("04" + p256_x + p256_y);
  for (std::size_t size = 0; size < k1.size(); ++size) {
    REQUIRE_FALSE(secp256k1_compress(byte_view(k1).first(size)));
    REQUIRE_FALSE(p256_compress(byte_view(p256).first(size)));
  }
  CHECK(secp256k1_compress(k1));
  CHECK(p256_compress(p256));
}

TEST_CASE("an x-only key is one exactly if its x is on secp256k1", "[crypto][unit]") {
  CHECK(secp256k1_is_x(unhex_array<32>(k1_x)));
  CHECK(secp256k1_is_x(unhex_array<32>(with_x("", 1))));
  CHECK_FALSE(secp256k1_is_x(unhex_array<32>(with_x("", 0))));
  CHECK_FALSE(secp256k1_is_x(unhex_array<32>(with_x("", 5))));
  CHECK_FALSE(secp256k1_is_x(unhex_array<32>(k1_prime)));
  byte_array<32> ones;
  ones.fill(0xff);
  CHECK_FALSE(secp256k1_is_x(ones));
}
