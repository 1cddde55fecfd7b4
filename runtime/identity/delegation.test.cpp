// Signing keys and delegations: round trips, and everything that must not be accepted.
#include "runtime/identity/delegation.hpp"

#include "runtime/identity/keys.hpp"

#include <catch2/catch.hpp>
#include <ostream>

using namespace kith;

namespace {

template <class T>
concept streamable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!streamable<secret_key>);
static_assert(!std::is_copy_constructible_v<secret_key> && !std::is_copy_assignable_v<secret_key>);
static_assert(!std::is_default_constructible_v<secret_key>);
static_assert(!std::is_convertible_v<secret_key, byte_view> &&
              !std::is_convertible_v<secret_key, std::string>);
static_assert(std::is_nothrow_move_constructible_v<secret_key>);

secret_key key_of(std::uint8_t n) { return secret_key::from_seed(byte_array<32>{n}); }

delegation example() { return delegation::make(key_of(1), key_of(2).did(), 7, 1'800'000'000'000); }

} // namespace

TEST_CASE("a key signs for its DID and for nobody else", "[identity][unit]") {
  seeded_random random(1);
  auto key = secret_key::generate(random), other = secret_key::generate(random);
  CHECK(key.did() != other.did());
  CHECK(key.did().ed25519() == key.public_key());
  auto signature = key.sign(as_bytes("message"));
  CHECK(verify_signature(key.public_key(), as_bytes("message"), signature));
  CHECK(verify_signature(key.did(), as_bytes("message"), signature));
  CHECK_FALSE(verify_signature(other.did(), as_bytes("message"), signature));
  CHECK_FALSE(verify_signature(key.did(), as_bytes("massage"), signature));
  CHECK_FALSE(verify_signature(did(), as_bytes("message"), signature));
  CHECK_FALSE(verify_signature(did::parse("did:web:a").value(), as_bytes("message"), signature));
}

TEST_CASE("a cloned and a moved key sign alike", "[identity][unit]") {
  auto key = key_of(9);
  auto copy = key.clone();
  auto moved = std::move(key);
  CHECK(copy.did() == moved.did());
  CHECK(copy.sign(as_bytes("m")) == moved.sign(as_bytes("m")));
  CHECK(equal(copy.expose_seed(), byte_array<32>{9}));
}

TEST_CASE("a delegation round-trips and its signature holds", "[identity][unit]") {
  auto d = example();
  CHECK(d.agent == key_of(1).did());
  CHECK(d.check_signature());
  auto decoded = delegation::decode(d.encode());
  REQUIRE(decoded);
  CHECK(*decoded == d);
  CHECK(decoded->check_signature());
}

TEST_CASE("what a delegation signs is fixed", "[identity][vector]") {
  delegation d;
  d.agent = did::parse("did:a:1").value();
  d.node = did::parse("did:b:22").value();
  d.epoch = 0x0102;
  d.expires = 0x0304;
  // "kith.delegation", version 1, 7 bytes, 8 bytes, epoch, expiry.
  CHECK(to_hex(d.to_sign()) ==
        to_hex(as_bytes("kith.delegation")) + "01" + "07" + to_hex(as_bytes("did:a:1")) + "08" +
            to_hex(as_bytes("did:b:22")) + "0000000000000102" + "0000000000000304");
}

TEST_CASE("a delegation with any part changed is unauthenticated", "[identity][unit]") {
  const auto good = example();
  auto refused = [](delegation d) {
    auto checked = d.check_signature();
    return !checked && checked.error().category == errc::unauthenticated &&
           checked.error().code == "bad_delegation";
  };
  CHECK_FALSE(refused(good));
  auto d = good;
  d.agent = key_of(3).did();
  CHECK(refused(d));
  d = good;
  d.node = key_of(3).did();
  CHECK(refused(d));
  d = good;
  ++d.epoch;
  CHECK(refused(d));
  d = good;
  ++d.expires;
  CHECK(refused(d));
  d = good;
  std::swap(d.agent, d.node);
  CHECK(refused(d));
  d = good;
  d.agent = did::parse("did:web:example.com").value();
  CHECK(refused(d));
  CHECK(refused(delegation{}));
  // A signature over the same fields without the domain tag is not one of a delegation.
  d = good;
  d.signature = key_of(1).sign(byte_view(good.encode()).first(good.encode().size() - 64));
  CHECK(refused(d));
}

TEST_CASE("a delegation cut at any byte, or with one more, does not decode",
          "[identity][property]") {
  auto b = example().encode();
  for (std::size_t size = 0; size < b.size(); ++size) {
    auto decoded = delegation::decode(byte_view(b).first(size));
    REQUIRE_FALSE(decoded);
    REQUIRE(decoded.error().code == "bad_delegation");
  }
  b.push_back(0);
  CHECK(delegation::decode(b).error().code == "bad_delegation");
}

TEST_CASE("a delegation with any bit changed either does not decode or is not signed",
          "[identity][property]") {
  const auto good = example().encode();
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; bit += 3) {
      auto changed = good;
      changed[i] ^= std::uint8_t(1 << bit);
      auto decoded = delegation::decode(changed);
      REQUIRE_FALSE((decoded && decoded->check_signature()));
    }
}

TEST_CASE("a delegation of a later version is unsupported", "[identity][unit]") {
  auto b = example().encode();
  b[0] = 2;
  CHECK(delegation::decode(b).error().code == "delegation_version");
  CHECK(delegation::decode(b).error().category == errc::unsupported);
}

TEST_CASE("a delegation over its limits or of no epoch does not decode", "[identity][unit]") {
  auto key = key_of(1);
  auto node = did::parse("did:a:" + std::string(did::size_max - 6, 'x')).value();
  auto longest = delegation::make(key, node, ~std::uint64_t(0), INT64_MAX);
  CHECK(delegation::decode(longest.encode()).value() == longest);
  CHECK(delegation::decode(bytes(delegation::encoded_size_max + 1, 1)).error().code ==
        "bad_delegation");

  CHECK(delegation::decode(delegation::make(key, node, 0, 1).encode()).error().code ==
        "bad_delegation");
  CHECK(delegation::decode(delegation::make(key, node, 1, -1).encode()).error().code ==
        "bad_delegation");
  CHECK(delegation::decode(delegation::make(key, did(), 1, 1).encode()).error().code == "bad_did");

  bytes oversized{1}; // a name of one byte more than a DID may have
  put_varint(oversized, did::size_max + 1);
  append(oversized, as_bytes("did:a:" + std::string(did::size_max - 5, 'x')));
  append(oversized, byte_view(example().encode()).subspan(1));
  CHECK(delegation::decode(oversized).error().code == "bad_delegation");
}
