#include "runtime/crypto/argon2.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::crypto;

namespace {

std::string derived(std::string_view passphrase, std::uint8_t salt, argon2_cost cost) {
  byte_array<16> s;
  s.fill(salt);
  return to_hex(argon2id(as_bytes(passphrase), s, cost).value().expose());
}

} // namespace

TEST_CASE("Argon2id gives one key for one passphrase, salt and cost", "[crypto][unit]") {
  argon2_cost cheap{64, 1};
  auto key = derived("correct horse", 1, cheap);
  CHECK(key.size() == 64);
  CHECK(derived("correct horse", 1, cheap) == key);
  CHECK(derived("correct horsf", 1, cheap) != key);
  CHECK(derived("correct horse", 2, cheap) != key);
  CHECK(derived("correct horse", 1, {128, 1}) != key);
  CHECK(derived("correct horse", 1, {64, 2}) != key);
}

// By the reference implementation: printf password | argon2 somesaltsomesalt -id -t 2 -k 256 -p 1
// -r
TEST_CASE("Argon2id is RFC 9106's", "[crypto][vector]") {
  byte_array<16> salt;
  std::memcpy(salt.data(), "somesaltsomesalt", 16);
  CHECK(to_hex(argon2id(as_bytes("password"), salt, {256, 2}).value().expose()) ==
        "cab746b4621993fdc91ec50787980b414a90a692f0bc68dfe19f9c25b3cba9ec");
}

TEST_CASE("costs that could stop the program are not sensible", "[crypto][unit]") {
  CHECK(argon2_cost{}.sensible());
  CHECK_FALSE(argon2_cost{7, 1}.sensible());
  CHECK_FALSE(argon2_cost{8, 0}.sensible());
  CHECK_FALSE(argon2_cost{1024 * 1024 + 1, 1}.sensible());
  CHECK_FALSE(argon2_cost{8, 17}.sensible());
}
