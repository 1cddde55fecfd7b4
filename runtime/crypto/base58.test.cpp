// Known answers of the specifications, properties, and what must be refused.
#include "runtime/crypto/base58.hpp"

#include "runtime/base/random.hpp"
#include "runtime/crypto/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::crypto;

TEST_CASE("base58btc gives the answers of draft-msporny-base58-03 both ways", "[crypto][vector]") {
  struct row {
    bytes raw;
    const char* text;
  };
  const row rows[] = {
      {to_bytes(as_bytes("Hello World!")), "2NEpo7TZRRrLZSi2U"},
      {to_bytes(as_bytes("The quick brown fox jumps over the lazy dog.")),
       "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"},
      {test::unhex("0000287fb4cd"), "11233QC4"},
      {{}, ""},
      {{0}, "1"},
      {{0, 0, 0}, "111"},
      {{57}, "z"},
      {{58}, "21"},
  };
  for (const auto& r : rows) {
    CHECK(base58btc_encode(r.raw).value() == r.text);
    CHECK(base58btc_decode(r.text).value() == r.raw);
  }
}

TEST_CASE("base58btc round-trips bytes of every size up to its limit", "[crypto][property]") {
  seeded_random random(1);
  for (std::size_t size = 0; size <= base58_bytes_max; ++size) {
    bytes raw(size);
    random.fill(raw);
    for (std::size_t i = 0; i < size && i < size % 4; ++i) raw[i] = 0;
    auto text = base58btc_encode(raw).value();
    REQUIRE(base58btc_decode(text).value() == raw);
  }
  CHECK(base58btc_encode(bytes(base58_bytes_max, 0xff)).value().size() == 350);
}

TEST_CASE("base58btc refuses every character outside its alphabet", "[crypto][unit]") {
  const std::string_view alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  int accepted = 0;
  for (int c = 0; c < 256; ++c) {
    std::string text = "2" + std::string(1, char(c)) + "2";
    auto decoded = base58btc_decode(text);
    REQUIRE(bool(decoded) == (alphabet.find(char(c)) != alphabet.npos));
    if (decoded)
      ++accepted;
    else
      REQUIRE(decoded.error().code == "bad_base58");
  }
  CHECK(accepted == 58);
}

TEST_CASE("base58btc refuses what is over its limits", "[crypto][unit]") {
  CHECK(base58btc_encode(bytes(base58_bytes_max + 1)).error().code == "base58_too_long");
  CHECK(base58btc_decode(std::string(base58_text_max + 1, '2')).error().code == "base58_too_long");
  CHECK(base58btc_decode(std::string(base58_bytes_max + 1, '1')).error().code == "base58_too_long");
  CHECK(base58btc_decode(std::string(base58_text_max, 'z')).error().code == "base58_too_long");
  CHECK(base58btc_decode(std::string(base58_bytes_max, '1')).value() == bytes(base58_bytes_max));
}
