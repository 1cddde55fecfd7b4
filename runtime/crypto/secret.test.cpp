// Secrets: what cannot be done with them is checked by the compiler, what can be done by the cases
// below.
#include "runtime/crypto/secret.hpp"

#include "runtime/crypto/ed25519.hpp"
#include "runtime/crypto/x25519.hpp"

#include <catch2/catch.hpp>
#include <new>
#include <ostream>

using namespace kith;
using namespace kith::crypto;

namespace {

template <class T>
concept streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept iterable = requires(const T& value) {
  value.begin();
};
template <class T>
concept secretive =
    !streamable<T> && !iterable<T> && !std::is_copy_constructible_v<T> &&
    !std::is_copy_assignable_v<T> && !std::is_convertible_v<T, byte_view> &&
    !std::is_convertible_v<T, std::string> && !std::is_convertible_v<T, std::string_view> &&
    std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>;

static_assert(secretive<secret_bytes<32>>);
static_assert(secretive<secret_buffer>);
static_assert(secretive<ed25519_key>);
static_assert(secretive<x25519_key>);
static_assert(!secretive<byte_array<32>> && streamable<std::string>); // the concepts can tell

} // namespace

TEST_CASE("secret bytes are overwritten when they end", "[crypto][unit]") {
  using secret = secret_bytes<48>;
  alignas(secret) std::uint8_t memory[sizeof(secret)];
  byte_array<48> raw;
  raw.fill(0xa5);
  auto* made = new (memory) secret{std::span<const std::uint8_t, 48>(raw)};
  REQUIRE(memory[0] == 0xa5);
  made->~secret();
  for (volatile auto& b : memory) REQUIRE(b == 0);
}

TEST_CASE("secret bytes are overwritten when they are moved away", "[crypto][unit]") {
  seeded_random random(1);
  auto a = secret_bytes<32>::random(random);
  auto copy = a.clone();
  secret_bytes<32> zeros;
  CHECK_FALSE(a == zeros);
  auto b = std::move(a);
  CHECK(a == zeros); // NOLINT: that it is wiped is the point
  CHECK(b == copy);
  secret_bytes<32> c;
  c = std::move(b);
  CHECK(b == zeros); // NOLINT
  CHECK(c == copy);
}

TEST_CASE("a secret buffer keeps what it was given, and clones apart", "[crypto][unit]") {
  secret_buffer a(as_bytes("a secret of some length"));
  auto b = a.clone();
  CHECK(a == b);
  b.expose_mutable()[0] ^= 1;
  CHECK_FALSE(a == b);
  CHECK(as_text(a.expose()) == "a secret of some length");
  a = std::move(b);
  CHECK(as_text(a.expose()).substr(1) == " secret of some length");
}

TEST_CASE("wiping leaves a string empty and bytes zero", "[crypto][unit]") {
  std::string text = "password";
  wipe(text);
  CHECK(text.empty());
  bytes b{1, 2, 3};
  wipe(b);
  CHECK(b == bytes{0, 0, 0});
  wipe(std::span<std::uint8_t>{});
}

TEST_CASE("comparison in constant time agrees with comparison", "[crypto][unit]") {
  bytes a{1, 2, 3}, b{1, 2, 3};
  CHECK(equal_constant_time(a, b));
  CHECK(equal_constant_time({}, {}));
  CHECK_FALSE(equal_constant_time(a, byte_view(b).first(2)));
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto changed = b;
    changed[i] ^= 0x80;
    CHECK_FALSE(equal_constant_time(a, changed));
  }
}
