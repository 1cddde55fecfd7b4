// What fsck finds in stores that were made wrong on purpose, one thing at a time.
#include "actors/upkeep/fsck.hpp"

#include "actors/mailbox/keys.hpp"
#include "actors/upkeep/stopped.hpp"
#include "runtime/store/memory_backend.hpp"
#include "runtime/store/test_support.hpp"
#include "runtime/stream/handler_records.hpp"

#include <kith/durable.hpp>

using namespace kith;
using namespace kith::upkeep;
using store::table;

namespace {

// One agent, a stream of three envelopes from it to another node (the first acknowledged and
// trimmed), one to it with two that wait, a durable, a handler with a journal, and a ledger entry.
struct stage {
  const did self = store::test::agent(1), agent = store::test::agent(2),
            other = store::test::agent(3);
  const keys::agent_key a = keys::of(agent);
  const stream_id out{agent, other, lane::request, 7}, in{other, agent, lane::request, 8};
  const byte_array<16> origin{5};
  std::unique_ptr<store::memory_backend> disk =
      std::move(store::memory_backend::open(std::make_shared<store::memory_disk>()).value());
  store::write_batch batch;
  journal_position last = 0;

  stage() {
    records::node_record n;
    n.node = self;
    put(table::state, keys::node(), records::encode(n));
    records::agent_record r;
    r.agent = agent;
    r.home = self;
    r.type = "t";
    put(table::state, keys::agent(a), records::encode(r));
    put(table::state, keys::cell(a, "count"), cell("5"));
    records::stream_out o{out, fill(table::queue, out, 3, 2), 1, 1};
    put(table::state, keys::out_stream(a, out.key()), records::encode(o));
    records::stream_in i{in, fill(table::queue, in, 2, 1), 0};
    put(table::state, keys::in_stream(a, in.key()), records::encode(i));
    records::handler_start h;
    h.origin = origin;
    h.from = other;
    h.envelope = envelope_at(in, 1, {}).raw();
    put(table::state, keys::handler(a, origin), records::encode(h));
    for (std::uint32_t s = 0; s < 2; ++s)
      put(table::state, keys::journal(a, origin, s), records::encode(records::segment{}));
    records::ledger_entry l;
    l.id = id(9);
    put(table::ledger, keys::received(l.id), records::encode(l));
    commit();
  }

  static uuid id(std::uint8_t n) {
    byte_array<16> raw{};
    raw[6] = 0x70;
    raw[8] = 0x80;
    raw[15] = n;
    return uuid(raw);
  }
  static bytes cell(std::string_view json) {
    bytes out{detail::cell::format, 0, 1};
    append(out, as_bytes(json));
    return out;
  }
  envelope envelope_at(const stream_id& s, sequence seq, const digest& previous) const {
    envelope_fields f;
    f.id = id(std::uint8_t(seq));
    f.from = s.from.text();
    f.to = s.to.text();
    f.kind = "k";
    f.content_type = "text/plain";
    f.incarnation = s.incarnation;
    f.seq = seq;
    f.previous = previous;
    return envelope::build(f);
  }
  // Positions from `first` to `newest` are queued; the head is behind them.
  stream_head fill(table t, const stream_id& s, sequence newest, sequence first) {
    stream_head head;
    for (; head.next <= newest; ++head.next) {
      const auto e = envelope_at(s, head.next, head.last);
      if (head.next >= first)
        put(t, s.from == agent ? keys::outbox(s.key(), head.next) : keys::inbox(s.key(), head.next),
            e.raw());
      head.last = e.hash();
    }
    return head;
  }
  void put(table t, const bytes& key, byte_view value) { batch.put(t, key, value); }
  void commit() { REQUIRE(store::test::commit(*disk, std::exchange(batch, {}), ++last)); }
  // The codes that are found.
  std::vector<std::string> codes() {
    commit();
    const auto r = fsck(*disk);
    REQUIRE(r);
    std::vector<std::string> out;
    for (const auto& f : r->findings) {
      CHECK_FALSE(f.what.empty());
      CHECK_FALSE(f.key.empty());
      out.push_back(f.code);
    }
    CHECK(r->count == out.size());
    return out;
  }
};

using found_codes = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(stage, "a store that is well has no findings, and its records are counted",
                 "[upkeep][unit]") {
  CHECK(codes().empty());
  const auto r = fsck(*disk).value();
  CHECK(r.records.at("state.a") == 1);
  CHECK(r.records.at("queue.o") == 2);
  CHECK(r.records.at("queue.i") == 2);
  CHECK(r.records.at("state.j") == 2);
  CHECK(owner_of(*disk).value() == self);
}

TEST_CASE_METHOD(stage, "a record that does not decode, or lies under another key, is found",
                 "[upkeep][unit]") {
  SECTION("bytes") { put(table::state, keys::agent(a), bytes{1, 2, 3}); }
  SECTION("of a newer Kith") {
    put(table::ledger, keys::received(id(9)), bytes{0xff, 0, 0, 0, 0, 0, 0, 0, 0});
    CHECK(codes() == found_codes{"record_version"});
    return;
  }
  SECTION("a durable") { put(table::state, keys::cell(a, "count"), cell("{")); }
  SECTION("an envelope") { put(table::queue, keys::outbox(out.key(), 3), as_bytes("nonsense")); }
  SECTION("misplaced") {
    records::ledger_entry l;
    l.id = id(10);
    put(table::ledger, keys::received(id(9)), records::encode(l));
    CHECK(codes() == found_codes{"misplaced_record"});
    return;
  }
  const auto found = codes();
  REQUIRE_FALSE(found.empty());
  CHECK(found.front() == "bad_record");
}

TEST_CASE_METHOD(stage, "keys that are none of ours are found", "[upkeep][unit]") {
  SECTION("an unknown kind") {
    put(table::state, bytes{'Z', 1}, as_bytes("v"));
    CHECK(codes() == found_codes{"unknown_kind"});
  }
  SECTION("one in a queue") {
    put(table::queue, bytes{'Z', 1}, as_bytes("v"));
    CHECK(codes() == found_codes{"unknown_kind"});
  }
  SECTION("too short") {
    put(table::state, bytes{'a', 1}, as_bytes("v"));
    CHECK(codes() == found_codes{"bad_key"});
  }
  SECTION("cut within the expiry") {
    auto key = keys::inbox(in.key(), 2);
    key.push_back(1);
    put(table::queue, key, as_bytes("v"));
    CHECK(codes() == found_codes{"bad_key"});
  }
}

TEST_CASE_METHOD(stage, "what belongs to nothing is found", "[upkeep][unit]") {
  const auto nobody = keys::of(store::test::agent(9));
  SECTION("a durable") { put(table::state, keys::cell(nobody, "c"), cell("1")); }
  SECTION("an envelope") {
    const stream_id s{other, agent, lane::answer, 9};
    put(table::queue, keys::inbox(s.key(), 1), envelope_at(s, 1, {}).raw());
  }
  SECTION("a segment") {
    put(table::state, keys::journal(a, byte_array<16>{6}, 0), records::encode(records::segment{}));
  }
  CHECK(codes() == found_codes{"orphan"});
}

TEST_CASE_METHOD(stage, "a queue that is not what its stream promises is found", "[upkeep][unit]") {
  SECTION("its last is missing") {
    batch.erase(table::queue, keys::outbox(out.key(), 3));
    CHECK(codes() == found_codes{"gap"});
  }
  SECTION("its first is missing") {
    batch.erase(table::queue, keys::inbox(in.key(), 1));
    CHECK(codes() == found_codes{"gap"});
  }
  SECTION("all of it is missing") {
    batch.erase(table::queue, keys::inbox(in.key(), 1));
    batch.erase(table::queue, keys::inbox(in.key(), 2));
    CHECK(codes() == found_codes{"gap"});
  }
  SECTION("it goes on behind the head") {
    put(table::queue, keys::inbox(in.key(), 3), envelope_at(in, 3, {}).raw());
    const auto found = codes();
    CHECK(std::count(found.begin(), found.end(), "bad_positions") == 1);
  }
  SECTION("an envelope that does not follow") {
    put(table::queue, keys::inbox(in.key(), 2), envelope_at(in, 2, digest{1}).raw());
    const auto found = codes();
    CHECK(std::count(found.begin(), found.end(), "broken_chain") >= 1);
  }
  SECTION("an envelope of another position") {
    put(table::queue, keys::inbox(in.key(), 2), envelope_at(in, 1, {}).raw());
    const auto found = codes();
    CHECK(std::count(found.begin(), found.end(), "misplaced_record") == 1);
  }
  SECTION("what was consumed and is not trimmed is no finding") {
    records::stream_in i{in, fill(table::queue, in, 2, 1), 2};
    put(table::state, keys::in_stream(a, in.key()), records::encode(i));
    CHECK(codes().empty());
  }
}

TEST_CASE_METHOD(stage, "a journal with a hole is found", "[upkeep][unit]") {
  batch.erase(table::state, keys::journal(a, origin, 0));
  CHECK(codes() == found_codes{"gap"});
}

TEST_CASE_METHOD(stage, "findings past the bound are counted, and not listed", "[upkeep][unit]") {
  for (std::uint32_t n = 0; n < fsck_report::findings_max + 5; ++n) {
    bytes key{'Z'};
    put_u32(key, n);
    put(table::state, key, as_bytes("v"));
  }
  commit();
  const auto r = fsck(*disk).value();
  CHECK(r.findings.size() == fsck_report::findings_max);
  CHECK(r.count == fsck_report::findings_max + 5);
}
