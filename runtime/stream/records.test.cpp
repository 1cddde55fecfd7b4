#include "runtime/stream/records.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::records;

namespace {

const did alice = *did::parse("did:x:alice"), bob = *did::parse("did:x:bob");

digest a_digest() {
  digest d;
  d.fill(0xd1);
  return d;
}

uuid an_id() {
  uuid u;
  u.octets.fill(0x1d);
  return u;
}

// The value comes back; a cut one, one with more behind it and one of a later version do not.
template <class Record> Record through(const Record& r) {
  auto stored = encode(r);
  auto back = decode<Record>(stored);
  REQUIRE(back);
  for (std::size_t n = 0; n < stored.size(); ++n) {
    auto cut = decode<Record>(byte_view(stored).first(n));
    if (!cut) REQUIRE(cut.error().code == "bad_record");
  }
  auto later = stored;
  later[0] = version + 1;
  auto refused = decode<Record>(later);
  REQUIRE(!refused);
  REQUIRE(refused.error().category == errc::unsupported);
  REQUIRE(refused.error().code == "record_version");
  // From an address that is not aligned.
  bytes shifted{0};
  append(shifted, stored);
  REQUIRE(decode<Record>(byte_view(shifted).subspan(1)));
  seeded_random random(99);
  for (int i = 0; i < 2000; ++i) {
    auto noise = stored;
    for (int k = 0; k < 3; ++k) noise[random.below(noise.size())] = std::uint8_t(random.next());
    (void)decode<Record>(noise);
  }
  return *back;
}

// The fixed binary ones notice every cut.
template <class Record> void require_exact(const Record& r) {
  auto stored = encode(r);
  for (std::size_t n = 0; n < stored.size(); ++n)
    REQUIRE(!decode<Record>(byte_view(stored).first(n)));
  stored.push_back(0);
  REQUIRE(!decode<Record>(stored));
}

} // namespace

TEST_CASE("node, agent, ask and peer records survive their bytes", "[stream][unit]") {
  node_record node{alice, 3, 17, 1};
  REQUIRE(through(node) == node);
  agent_record agent{alice, "greeter", "front desk", 4, 55, 17, bytes(80, 2), bob};
  REQUIRE(through(agent) == agent);
  agent.stopped = true;
  agent.delegation = bytes(100, 4);
  agent.owner = bob;
  agent.supervisor = "desk";
  agent.restart = 0;
  agent.order = 1ull << 40;
  REQUIRE(through(agent) == agent);
  agent.restart = 3; // there is no such type
  REQUIRE(decode<agent_record>(encode(agent)).error().code == "bad_record");
  ask_record ask{an_id(), bob, "on_price", bytes{1, 2, 3}, 1234, "price"};
  REQUIRE(through(ask) == ask);
  pending_state pending{9, 4, 12345};
  REQUIRE(through(pending) == pending);
  REQUIRE(decode<pending_state>(encode(pending_state{4, 4, 0})).error().code == "bad_record");
  peer_record peer{bob, {"10.0.0.1:4001", "[::1]:4001"}, 900, 2};
  REQUIRE(through(peer) == peer);
  REQUIRE(through(peer_record{bob}) == peer_record{bob});
}

TEST_CASE("stream states survive their bytes", "[stream][unit]") {
  stream_id id{alice, bob, lane::answer, 0xfedcba9876543210};
  stream_out out{id, {700, a_digest()}, 650, 600, std::nullopt, 2};
  REQUIRE(through(out) == out);
  require_exact(out);
  out.signed_at = signed_head{640, a_digest(), {}};
  out.signed_at->signature.fill(9);
  REQUIRE(through(out) == out);
  require_exact(out);
  stream_in in{id, {700, a_digest()}, 650, true, "fork at 699"};
  REQUIRE(through(in) == in);
  require_exact(in);
}

TEST_CASE("ledger entries and attempt marks survive their bytes", "[stream][unit]") {
  ledger_entry entry{an_id(),           {1, 2, 3},      12, direction::in, disposition::refused,
                     1'700'000'000'000, "no such kind", bob};
  entry.owner.fill(0x0e);
  REQUIRE(through(entry) == entry);
  require_exact(entry);
  entry.node = {};
  entry.reason = {};
  REQUIRE(through(entry) == entry);
  REQUIRE(through(attempt_mark{3, 7, 9}) == attempt_mark{3, 7, 9});
  const lost_range lost{{alice, bob, lane::answer, 7}, 4, 300, 1'700'000'000'000};
  REQUIRE(through(lost) == lost);
  require_exact(lost);
  require_exact(attempt_mark{3, 7, 9});
}

TEST_CASE("a dead letter keeps its envelope, and one without an envelope is corrupt",
          "[stream][unit]") {
  envelope_fields f;
  f.from = alice.text();
  f.to = bob.text();
  f.kind = "k";
  f.incarnation = f.seq = 1;
  auto e = envelope::build(f);
  dead_letter letter{an_id(), e.raw(), "handler threw", 5, 17, bob};
  auto back = through(letter);
  REQUIRE(back.id == letter.id);
  REQUIRE(back.reason == letter.reason);
  REQUIRE(back.attempts == 5);
  REQUIRE(back.when == 17);
  REQUIRE(back.agent == bob);
  REQUIRE(envelope::parse(back.envelope)->hash() == e.hash());
  letter.envelope = slice(bytes(64, 1));
  REQUIRE(decode<dead_letter>(encode(letter)).error().code == "bad_record");
}

TEST_CASE("numbers out of range and text past its limit do not decode", "[stream][unit]") {
  ledger_entry entry;
  entry.id = an_id();
  auto stored = encode(entry);
  auto disposition_at = 1 + 16 + 16 + 1 + 1;
  stored[disposition_at] = 5;
  REQUIRE(decode<ledger_entry>(stored).error().code == "bad_record");
  entry.reason = std::string(text_size_max + 100, 'r');
  REQUIRE(decode<ledger_entry>(encode(entry))->reason.size() == text_size_max);
  agent_record agent{alice, "t", "", 1, 1, 1, bytes(blob_size_max + 1), {}};
  REQUIRE(decode<agent_record>(encode(agent)).error().code == "bad_record");
}

TEST_CASE("the stored bytes of the frequent records are these", "[stream][vector]") {
  stream_in in{{alice, bob, lane::answer, 0x0102}, {300, {}}, 7, false, ""};
  REQUIRE(to_hex(encode(in)) == "01"
                                "0b6469643a783a616c696365"
                                "096469643a783a626f62"
                                "01"
                                "0000000000000102"
                                "ac02" +
                                    std::string(64, '0') +
                                    "07"
                                    "00"
                                    "00");
  REQUIRE(to_hex(encode(attempt_mark{258, 3, 4})) == "01000001020000000000000003"
                                                     "0000000000000004");
}
