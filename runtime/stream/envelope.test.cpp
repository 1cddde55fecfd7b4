#include "runtime/stream/envelope.hpp"

#include "runtime/crypto/hash.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/stream/text.hpp"

#include <catch2/catch.hpp>

using namespace kith;

namespace {

const std::string alice = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
const std::string bob = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";

uuid an_id(std::uint8_t fill) {
  uuid u;
  u.octets.fill(fill);
  return u;
}

digest a_digest(std::uint8_t fill) {
  digest d;
  d.fill(fill);
  return d;
}

envelope_fields typical(byte_view payload) {
  envelope_fields f;
  f.id = an_id(7);
  f.from = alice;
  f.to = bob;
  f.kind = "greet";
  f.content_type = "text/plain";
  f.payload = payload;
  f.created = 1'700'000'000'123;
  f.incarnation = 0x0123456789abcdef;
  f.seq = 42;
  f.previous = a_digest(3);
  return f;
}

void require_same(const envelope_fields& a, const envelope_fields& b) {
  REQUIRE(a.id == b.id);
  REQUIRE(a.from == b.from);
  REQUIRE(a.to == b.to);
  REQUIRE(a.kind == b.kind);
  REQUIRE(a.content_type == b.content_type);
  REQUIRE(equal(a.payload, b.payload));
  REQUIRE(a.created == b.created);
  REQUIRE(a.time_to_live_ms == b.time_to_live_ms);
  REQUIRE(a.correlation == b.correlation);
  REQUIRE(a.replay_of == b.replay_of);
  REQUIRE(a.qos == b.qos);
  REQUIRE(a.lane == b.lane);
  REQUIRE(a.status == b.status);
  REQUIRE(a.wants_answer == b.wants_answer);
  REQUIRE(a.incarnation == b.incarnation);
  REQUIRE(a.seq == b.seq);
  REQUIRE(a.previous == b.previous);
  REQUIRE(a.trace == b.trace);
  REQUIRE(a.tombstone_of == b.tombstone_of);
  REQUIRE(std::equal(a.chain.begin(), a.chain.end(), b.chain.begin(), b.chain.end()));
}

envelope reparsed(const envelope& e) {
  auto p = envelope::parse(slice::copy_of(e.raw()));
  REQUIRE(p);
  return *p;
}

// Reads every field, so that a sanitizer sees what a bad offset would touch.
std::size_t touch(const envelope& e) {
  auto f = e.fields();
  std::size_t n =
      f.id.octets[0] + f.previous[0] + f.tombstone_of[0] + std::size_t(f.created) + f.seq;
  for (auto s : {f.from, f.to, f.kind, f.content_type, f.trace})
    for (char c : s) n += std::size_t(c);
  for (auto b : f.payload) n += b;
  for (const auto& id : f.chain) n += id.octets[15];
  return n;
}

} // namespace

TEST_CASE("an envelope carries every field through its bytes", "[stream][unit]") {
  bytes payload(128, 0x5a);
  auto f = typical(payload);
  f.time_to_live_ms = 60'000;
  f.correlation = an_id(1);
  f.replay_of = an_id(2);
  f.lane = lane::answer;
  f.status = answer_status::refused;
  f.wants_answer = true;
  f.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  auto built = envelope::build(f);
  require_same(built.fields(), f);
  require_same(reparsed(built).fields(), f);
  REQUIRE(envelope::build(built.fields()).raw().size() == built.size());
  REQUIRE(equal(envelope::build(built.fields()).raw(), built.raw()));
}

TEST_CASE("an ask carries the asks that wait for it, up to sixteen", "[stream][unit]") {
  bytes payload(128, 0x5a);
  auto f = typical(payload);
  f.wants_answer = true;
  std::vector<uuid> chain;
  const auto alone = envelope::build(f).size();
  for (std::uint8_t n = 1; n <= envelope::chain_count_max; ++n) {
    chain.push_back(an_id(n));
    f.chain = chain;
    auto e = reparsed(envelope::build(f));
    require_same(e.fields(), f);
    REQUIRE(e.size() % 8 == 0);
    REQUIRE(e.size() <= alone + 16 * n + 24);
    REQUIRE(reinterpret_cast<std::uintptr_t>(e.payload().data()) % 8 == 0);
    require_same(reparsed(envelope::build(e.fields())).fields(), f);
  }
  auto refused = [&](auto change) {
    auto bad = f;
    change(bad);
    return !envelope::check(bad) && !envelope::parse(envelope::build(bad).raw());
  };
  REQUIRE_FALSE(refused([](auto&) {}));
  REQUIRE(refused([](auto& g) { g.wants_answer = false; }));
  REQUIRE(refused([](auto& g) { g.signature[0] = 1; })); // it would not be covered
  chain.push_back(an_id(99));
  REQUIRE(refused([&](auto& g) { g.chain = chain; }));
  auto longest = f;
  longest.chain = std::span(chain).first(envelope::chain_count_max);
  auto e = envelope::build(longest);
  for (std::size_t n = 0; n < e.size(); ++n)
    REQUIRE(!envelope::parse(slice::copy_of(e.raw().view().first(n))));
}

TEST_CASE("an envelope of QoS 0 without anything optional survives its bytes", "[stream][unit]") {
  envelope_fields f;
  f.id = an_id(9);
  f.from = alice;
  f.to = bob;
  f.kind = "k";
  f.qos = qos::at_most_once;
  require_same(reparsed(envelope::build(f)).fields(), f);
}

TEST_CASE("QoS 1 stands in a chain like QoS 2", "[stream][unit]") {
  bytes payload(4, 1);
  auto f = typical(payload);
  f.qos = qos::at_least_once;
  auto e = reparsed(envelope::build(f));
  require_same(e.fields(), f);
  auto twice = f;
  twice.qos = qos::exactly_once;
  REQUIRE(envelope::build(twice).hash() != e.hash()); // it cannot be changed on the way
  REQUIRE(e.tombstone().is_tombstone());
  REQUIRE(reparsed(e.tombstone()).qos() == qos::at_least_once);
  auto refused = [&](auto change) {
    auto bad = f;
    change(bad);
    return !envelope::check(bad) && !envelope::parse(envelope::build(bad).raw());
  };
  REQUIRE(refused([](auto& g) { g.seq = 0; }));
  REQUIRE(refused([](auto& g) { g.incarnation = 0; }));
  REQUIRE(refused([](auto& g) { g.seq = g.incarnation = 0; }));
}

TEST_CASE("an envelope is a multiple of 8 bytes, small, and its payload is 8-aligned",
          "[stream][unit]") {
  for (std::size_t n : {0u, 1u, 7u, 8u, 128u, 1000u, 70'000u}) {
    bytes payload(n, 1);
    auto e = envelope::build(typical(payload));
    REQUIRE(e.size() % 8 == 0);
    REQUIRE(e.payload().size() == n);
    if (n > 0) REQUIRE(reinterpret_cast<std::uintptr_t>(e.payload().data()) % 8 == 0);
    REQUIRE(e.size() <= n + 344);
  }
}

TEST_CASE("a payload of the largest size passes and one byte more is refused", "[stream][unit]") {
  bytes payload(envelope::payload_size_max, 1);
  REQUIRE(reparsed(envelope::build(typical(payload))).payload().size() == payload.size());
  payload.push_back(1);
  auto over = envelope::parse(envelope::build(typical(payload)).raw());
  REQUIRE(!over);
  REQUIRE(over.error().code == "envelope_too_large");
  REQUIRE(envelope::parse(slice(bytes(envelope::size_max + 1))).error().code ==
          "envelope_too_large");
}

TEST_CASE("an envelope cut at any byte, or with bytes behind it, is refused", "[stream][unit]") {
  bytes payload(33, 0x5a);
  auto e = envelope::build(typical(payload));
  for (std::size_t n = 0; n < e.size(); ++n) {
    auto cut = envelope::parse(slice::copy_of(e.raw().view().first(n)));
    REQUIRE(!cut);
    REQUIRE(cut.error().code == "bad_envelope");
  }
  auto longer = to_bytes(e.raw());
  longer.push_back(0);
  REQUIRE(!envelope::parse(slice(longer)));
}

TEST_CASE("a flipped bit never makes an envelope unsafe to read", "[stream][property]") {
  bytes payload(16, 0x5a);
  auto f = typical(payload);
  f.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const std::vector<uuid> chain{an_id(1), an_id(2)};
  f.wants_answer = true;
  f.chain = chain;
  auto e = envelope::build(f);
  std::size_t accepted = 0, refused = 0;
  for (std::size_t bit = 0; bit < e.size() * 8; ++bit) {
    auto b = to_bytes(e.raw());
    b[bit / 8] ^= std::uint8_t(1 << (bit % 8));
    auto p = envelope::parse(slice(std::move(b)));
    if (p) {
      touch(*p);
      REQUIRE(p->hash() != e.hash());
      ++accepted;
    } else {
      ++refused;
    }
  }
  REQUIRE(accepted > 0); // payload bytes, for one
  REQUIRE(refused > 100);
}

TEST_CASE("bytes from nowhere never crash the parser", "[stream][property]") {
  seeded_random random(4711);
  bytes payload(16, 0x5a);
  auto good = to_bytes(envelope::build(typical(payload)).raw());
  for (int i = 0; i < 20'000; ++i) {
    bytes b = good;
    for (auto n = random.below(8); n > 0; --n)
      b[random.below(b.size())] = std::uint8_t(random.next());
    if (i % 4 == 0) random.fill(b);
    auto p = envelope::parse(slice(std::move(b)));
    if (p) touch(*p);
  }
}

TEST_CASE("each limit of an envelope's fields is kept", "[stream][unit]") {
  bytes payload(4, 1);
  auto refused = [&](auto change) {
    auto f = typical(payload);
    change(f);
    auto checked = envelope::check(f);
    auto parsed = envelope::parse(envelope::build(f).raw());
    return !checked && !parsed && parsed.error().code == "bad_envelope" &&
           checked.error() == parsed.error();
  };
  REQUIRE_FALSE(refused([](auto&) {}));
  std::string long_did = "did:x:" + std::string(did::size_max, 'a'), long_text(256, 'k'),
              longer_text(257, 'k');
  REQUIRE(refused([](auto& f) { f.from = ""; }));
  REQUIRE(refused([](auto& f) { f.to = ""; }));
  REQUIRE(refused([](auto& f) { f.from = "https://example.org"; }));
  REQUIRE(refused([](auto& f) { f.to = "did:key:z6 Mk"; }));
  REQUIRE(refused([&](auto& f) { f.to = long_did; }));
  REQUIRE(refused([](auto& f) { f.kind = ""; }));
  REQUIRE(refused([&](auto& f) { f.kind = long_text; }));
  REQUIRE(refused([](auto& f) { f.kind = "a\nb"; }));
  REQUIRE(refused([](auto& f) { f.kind = "\xff"; }));
  REQUIRE(refused([&](auto& f) { f.content_type = long_text; }));
  REQUIRE(refused([&](auto& f) { f.trace = longer_text; }));
  REQUIRE(refused([](auto& f) { f.qos = qos(3); }));
  REQUIRE(refused([](auto& f) { f.qos = qos(255); }));
  REQUIRE(refused([](auto& f) { f.lane = lane(2); }));
  REQUIRE(refused([](auto& f) { f.status = answer_status(5); }));
  REQUIRE(refused([](auto& f) { f.seq = 0; }));
  REQUIRE(refused([](auto& f) { f.incarnation = 0; }));
  REQUIRE(refused([](auto& f) { f.qos = qos::at_most_once; }));
  REQUIRE(refused([](auto& f) { f.tombstone_of = a_digest(1); })); // with a payload
}

TEST_CASE("an envelope of a later version is refused as such", "[stream][unit]") {
  auto e = envelope::build(typical({}));
  auto b = to_bytes(e.raw());
  // The version lies 16 + 4 * 8 bytes into the core, which the id begins.
  bytes id(16, 7);
  auto at = std::search(b.begin(), b.end(), id.begin(), id.end());
  REQUIRE(at != b.end());
  REQUIRE(at[48] == envelope::version);
  at[48] = 2;
  auto p = envelope::parse(slice(b));
  REQUIRE(!p);
  REQUIRE(p.error().category == errc::unsupported);
  REQUIRE(p.error().code == "envelope_version");
}

TEST_CASE("a tombstone keeps the digest of what it replaces, and everything but the payload",
          "[stream][unit]") {
  bytes payload(64, 9);
  auto e = envelope::build(typical(payload));
  REQUIRE(e.hash() == crypto::blake2b_256(e.raw()));
  auto t = reparsed(e.tombstone());
  REQUIRE(t.is_tombstone());
  REQUIRE_FALSE(e.is_tombstone());
  REQUIRE(t.hash() == e.hash());
  REQUIRE(t.previous() == e.previous());
  REQUIRE(t.seq() == e.seq());
  REQUIRE(t.id() == e.id());
  REQUIRE(t.payload().empty());
  REQUIRE(t.size() < e.size());
}

TEST_CASE("text is valid UTF-8 without control characters, and anything can be made into it",
          "[stream][unit]") {
  REQUIRE(is_text("gr\xc3\xbc\xc3\x9f dich \xe2\x82\xac \xf0\x9f\x8c\x8d"));
  for (std::string_view bad : {"\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                               "\xf5\x80\x80\x80", "\xe2\x82", "\x80", "a\x7f", "\x1b[2J"}) {
    REQUIRE_FALSE(is_text(bad));
    REQUIRE(is_text(clean_text(bad, 100)));
  }
  REQUIRE(clean_text("a\nb\xff", 100) == "a b?");
  REQUIRE(clean_text("ab\xe2\x82\xac", 4) == "ab");
}

TEST_CASE("what a sender signs is every part that it says, and nothing of where it stands",
          "[stream][unit]") {
  seeded_random random{3};
  auto key = secret_key::generate(random);
  auto from = key.did().text();
  auto payload = to_bytes(as_bytes("hello"));
  auto f = typical(payload);
  f.from = from;
  f.correlation = an_id(9);
  f.signature = key.sign(signed_content(f));
  CHECK(envelope::build(f).check_signature());

  auto moved = f; // the node where it enters says where it stands
  moved.seq = 7;
  moved.previous = a_digest(1);
  moved.incarnation = 5;
  CHECK(envelope::build(moved).check_signature());

  std::vector<envelope_fields> forged(9, f);
  forged[0].id = an_id(8);
  forged[1].to = alice;
  forged[2].kind = "greeT";
  forged[3].content_type = "text/html";
  forged[4].payload = as_bytes("hellO");
  ++forged[5].created;
  ++forged[6].time_to_live_ms;
  forged[7].correlation = {};
  forged[8].wants_answer = true;
  for (std::size_t i = 0; i < forged.size(); ++i) {
    INFO(i);
    auto checked = envelope::build(forged[i]).check_signature();
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == "bad_envelope_signature");
  }
  auto unsigned_one = typical(payload);
  CHECK_FALSE(envelope::build(unsigned_one).check_signature());
  auto other = f; // signed, but not by whom it says
  other.from = bob;
  CHECK_FALSE(envelope::build(other).check_signature());

  // No part can take bytes of the one beside it.
  auto shifted = f;
  shifted.kind = "greettext";
  shifted.content_type = "/plain";
  CHECK_FALSE(equal(signed_content(shifted), signed_content(f)));

  // It survives the bytes.
  auto again = envelope::parse(envelope::build(f).raw());
  REQUIRE(again);
  CHECK(again->signature() == f.signature);
  CHECK(again->tombstone().signature() == byte_array<64>{});
}

TEST_CASE("what a sender signs is these bytes", "[stream][vector]") {
  envelope_fields f;
  f.id = an_id(0x11);
  f.from = "did:a:b";
  f.to = "did:c:d";
  f.kind = "k";
  f.content_type = "text/plain";
  f.payload = as_bytes("hi");
  f.created = 1700000000123;
  f.wants_answer = true;
  CHECK(as_text(signed_content(f)) == std::string("\0\0\0\x0ekith message 1"
                                                  "\0\0\0\x24"
                                                  "11111111-1111-1111-1111-111111111111"
                                                  "\0\0\0\x07"
                                                  "did:a:b\0\0\0\x07"
                                                  "did:c:d"
                                                  "\0\0\0\x01k\0\0\0\x0atext/plain\0\0\0\x02hi"
                                                  "\0\0\0\x0d"
                                                  "1700000000123\0\0\0\x01"
                                                  "0\0\0\0\0\0\0\0\x01"
                                                  "1",
                                                  18 + 40 + 22 + 5 + 14 + 6 + 17 + 5 + 4 + 5));
}
