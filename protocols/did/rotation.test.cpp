// Key rotation: chains that hold, and every way in which one does not.
#include "protocols/did/rotation.hpp"

#include "protocols/did/test_support.hpp"
#include "runtime/crypto/hash.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::dids;
using namespace kith::dids::test;

namespace {

const did subject = parsed("did:web:n.example");

// Keys 1, 2 and 3, from 1000, 2000 and 3000.
key_history three() {
  auto h = key_history::begin(subject, key_number(1), 1000);
  REQUIRE(h.rotate(key_number(1), public_of(key_number(2)), 2000));
  REQUIRE(h.rotate(key_number(2), public_of(key_number(3)), 3000));
  return h;
}

// The code for the chain with its second record changed, and signed anew by key `signer`.
template <class F> std::string broken(F change, std::uint8_t signer = 1) {
  auto records = three().records();
  records.pop_back();
  change(records[1]);
  records[1].signature = key_number(signer).sign(records[1].to_sign());
  auto verified = key_history::verify(records);
  return verified ? "" : verified.error().code;
}

} // namespace

TEST_CASE("a chain of keys is verified and says which key was good when", "[did][unit]") {
  auto h = key_history::verify(three().records()).value();
  CHECK(h == three());
  CHECK(h.subject() == subject);
  CHECK(h.first() == public_of(key_number(1)));
  CHECK(h.current() == public_of(key_number(3)));
  CHECK_FALSE(h.key_at(999));
  CHECK_FALSE(h.key_at(INT64_MIN));
  CHECK(h.key_at(1000)->key == public_of(key_number(1)));
  CHECK(h.key_at(1999)->key == public_of(key_number(1)));
  CHECK(h.key_at(2000)->key == public_of(key_number(2)));
  CHECK(h.key_at(3000)->key == public_of(key_number(3)));
  CHECK(h.key_at(INT64_MAX)->key == public_of(key_number(3)));
  auto periods = h.periods();
  REQUIRE(periods.size() == 3);
  CHECK(periods[0] == key_period{public_of(key_number(1)), 1000, 2000, false});
  CHECK(periods[2] == key_period{public_of(key_number(3)), 3000, std::nullopt, false});
}

TEST_CASE("an old signature stays verifiable at its time and at no other", "[did][unit]") {
  auto h = three();
  auto message = as_bytes("hello");
  auto old = key_number(1).sign(message), recent = key_number(3).sign(message);
  CHECK(h.verify_at(1500, message, old));
  CHECK_FALSE(h.verify_at(2500, message, old));
  CHECK_FALSE(h.verify_at(500, message, old));
  CHECK(h.verify_at(9000, message, recent));
  CHECK_FALSE(h.verify_at(1500, message, recent));
  CHECK_FALSE(h.verify_at(1500, as_bytes("hullo"), old));
}

TEST_CASE("a record that does not follow from the one before breaks the chain", "[did][unit]") {
  auto nothing = [](rotation&) {};
  REQUIRE(broken(nothing).empty());
  CHECK(broken(nothing, 2) == "bad_rotation_signature"); // the new key cannot name itself
  CHECK(broken(nothing, 9) == "bad_rotation_signature");
  CHECK(broken([](rotation& r) { r.subject = parsed("did:web:other.example"); }) ==
        "rotation_chain");
  CHECK(broken([](rotation& r) { r.index = 2; }) == "rotation_chain");
  CHECK(broken([](rotation& r) { r.valid_from = 1000; }) == "rotation_chain");
  CHECK(broken([](rotation& r) { r.valid_from = -1; }) == "rotation_chain");
  CHECK(broken([](rotation& r) { r.previous[31] ^= 1; }) == "rotation_chain");
  CHECK(broken([](rotation& r) { r.key = public_of(key_number(1)); }) == "rotation_chain");
  CHECK(broken([](rotation& r) { r.key.reset(); }) == "rotation_chain");
  CHECK(broken([](rotation& r) { r.key = derive_key_agreement(*r.key); }) == "rotation_chain");
  CHECK(broken([](rotation& r) { r.revokes = true; }).empty());

  auto records = three().records();
  records[1].revokes = true; // as somebody else might, without the key
  CHECK(key_history::verify(records).error().code == "bad_rotation_signature");
  CHECK(key_history::verify({}).error().code == "bad_rotation");
  CHECK(key_history::verify({records[1]}).error().code == "rotation_chain");
  auto first = three().records()[0];
  first.previous[0] = 1;
  first.signature = key_number(1).sign(first.to_sign());
  CHECK(key_history::verify({first}).error().code == "rotation_chain");
  first = three().records()[0];
  first.signature = key_number(2).sign(first.to_sign());
  CHECK(key_history::verify({first}).error().code == "bad_rotation_signature");
  auto swapped = three().records();
  std::swap(swapped[1], swapped[2]);
  CHECK(key_history::verify(swapped).error().code == "rotation_chain");
}

TEST_CASE("only the current key names the next, and a refusal changes nothing", "[did][unit]") {
  auto h = three();
  auto next = public_of(key_number(4));
  CHECK(h.rotate(key_number(2), next, 4000).error().code == "rotation_key");
  CHECK(h.rotate(key_number(3), next, 3000).error().code == "rotation_chain");
  CHECK(h.rotate(key_number(3), public_of(key_number(1)), 4000).error().code == "rotation_chain");
  CHECK(h == three());
  REQUIRE(h.rotate(key_number(3), next, 4000, true));
  CHECK(h.key_at(3500)->revoked);
  CHECK_FALSE(h.key_at(4500)->revoked);
}

TEST_CASE("a history takes its own continuation and no fork", "[did][unit]") {
  auto known = key_history::begin(subject, key_number(1), 1000);
  REQUIRE(known.extend(three()));
  CHECK(known == three());
  auto shorter = key_history::begin(subject, key_number(1), 1000);
  REQUIRE(known.extend(shorter));
  CHECK(known == three());
  auto fork = shorter;
  REQUIRE(fork.rotate(key_number(1), public_of(key_number(5)), 2000));
  CHECK(known.extend(fork).error().code == "rotation_fork");
  CHECK(fork.extend(known).error().category == errc::conflict);
  auto stranger = key_history::begin(subject, key_number(6), 1);
  CHECK(known.extend(stranger).error().code == "rotation_fork");
  CHECK(known == three());
}

TEST_CASE("a history comes back from its bytes, and from no other", "[did][property]") {
  auto h = three();
  auto b = h.encode();
  CHECK(b.size() <= key_history::encoded_size_max);
  CHECK(key_history::decode(b).value() == h);
  for (std::size_t size = 0; size < b.size(); ++size)
    REQUIRE_FALSE(key_history::decode(byte_view(b).first(size)));
  for (std::size_t i = 0; i < b.size(); ++i) {
    auto flipped = b;
    flipped[i] ^= 1;
    REQUIRE_FALSE(key_history::decode(flipped)); // every byte is signed, hashed or checked
  }
  auto longer = b;
  longer.push_back(0);
  CHECK(key_history::decode(longer).error().code == "bad_rotation");
  auto newer = b;
  newer[0] = 2;
  CHECK(key_history::decode(newer).error().code == "rotation_version");
  CHECK(key_history::decode({}).error().code == "bad_rotation");
  CHECK(key_history::decode(bytes(key_history::encoded_size_max + 1, 1)).error().code ==
        "bad_rotation");
  CHECK(key_history::decode(bytes{1, key_history::records_max + 1}).error().code ==
        "rotation_count");
  CHECK(key_history::decode(bytes{1, 0}).error().code == "bad_rotation");
}

TEST_CASE("a record comes back from its bytes", "[did][property]") {
  for (const auto& r : three().records()) {
    auto b = r.encode();
    CHECK(b.size() <= rotation::encoded_size_max);
    CHECK(rotation::decode(b).value() == r);
    for (std::size_t size = 0; size < b.size(); ++size)
      REQUIRE_FALSE(rotation::decode(byte_view(b).first(size)));
  }
  auto r = three().records()[1];
  auto code = [](const rotation& changed) {
    return rotation::decode(changed.encode()).error().code;
  };
  r.key = derive_key_agreement(*r.key);
  CHECK(code(r) == "bad_rotation");
  r = three().records()[1];
  r.valid_from = -5;
  CHECK(code(r) == "bad_rotation");
  r = three().records()[1];
  auto b = r.encode();
  auto flag = b.size() - 64 - 32 - 1;
  REQUIRE(b[flag] == 0);
  b[flag] = 2;
  CHECK(rotation::decode(b).error().code == "bad_rotation");
  CHECK(rotation::decode(bytes(rotation::encoded_size_max + 1, 1)).error().code == "bad_rotation");
  CHECK(rotation::decode(bytes{9}).error().code == "rotation_version");
}

TEST_CASE("the bytes of a record are those that the README defines", "[did][unit]") {
  auto r = three().records()[1];
  auto text = r.key->multibase();
  bytes expected{1, 17};
  append(expected, as_bytes("did:web:n.example"));
  append(expected, bytes{0, 0, 0, 1, std::uint8_t(text.size())});
  append(expected, as_bytes(text));
  append(expected, bytes{0, 0, 0, 0, 0, 0, 0x07, 0xd0, 0});
  append(expected, crypto::blake2b_256(three().records()[0].encode()));
  bytes tagged = to_bytes(as_bytes("kith.rotation"));
  append(tagged, expected);
  CHECK(r.to_sign() == tagged);
  append(expected, r.signature);
  CHECK(r.encode() == expected);
}

TEST_CASE("a history ends at its limit", "[did][unit]") {
  auto h = key_history::begin(subject, key_number(0), 0);
  for (std::size_t i = 1; i < key_history::records_max; ++i)
    REQUIRE(h.rotate(key_number(std::uint8_t(i - 1)), public_of(key_number(std::uint8_t(i))),
                     wall_ms(i)));
  auto last = std::uint8_t(key_history::records_max);
  CHECK(h.rotate(key_number(last - 1), public_of(key_number(last)), last).error().code ==
        "rotation_count");
  CHECK(key_history::decode(h.encode()).value() == h);
}
