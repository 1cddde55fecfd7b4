// That each invariant can fail.
#include "actors/simulation/invariants.hpp"

#include "actors/mailbox/keys.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/store/memory_backend.hpp"
#include "runtime/stream/records.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::simulation;
using store::table;

namespace {

// A stream from an agent on one disk to an agent on another: made to 3, come and consumed to 3.
struct two_disks {
  two_disks() {
    seeded_random random(1);
    stream = {secret_key::generate(random).did(), secret_key::generate(random).did(), lane::request,
              7};
    out.stream = in.stream = stream;
    out.head.next = in.head.next = 4;
    out.acked = in.consumed = 3;
  }
  std::vector<store::backend*> disks() {
    put(*a, table::state, keys::out_stream(keys::of(stream.from), stream.key()),
        records::encode(out));
    put(*b, table::state, keys::in_stream(keys::of(stream.to), stream.key()), records::encode(in));
    return {a.get(), b.get()};
  }
  static void put(store::backend& disk, table where, const bytes& key, const bytes& value) {
    store::write_batch batch;
    batch.put(where, key, byte_view(value));
    REQUIRE(disk.commit({&batch, 1}, disk.recovered() + 1));
  }
  // The one sentence of each, without DIDs.
  std::string broken() { return only(broken_invariants(disks())); }
  std::string open() { return only(unfinished(disks())); }
  std::string only(const std::vector<std::string>& all) {
    if (all.empty()) return {};
    REQUIRE(all.size() == 1);
    const auto name = "the stream from " + stream.from.text() + " to " + stream.to.text() + " ";
    return all[0].starts_with(name) ? all[0].substr(name.size()) : all[0];
  }

  stream_id stream;
  records::stream_out out;
  records::stream_in in;
  std::unique_ptr<store::backend> a = opened(), b = opened();
  static std::unique_ptr<store::backend> opened() {
    return store::memory_backend::open(std::make_shared<store::memory_disk>()).value();
  }
};

} // namespace

TEST_CASE("a stream whose ends agree is whole", "[simulation][unit]") {
  two_disks d;
  CHECK(d.broken().empty());
  CHECK(d.open().empty());
  CHECK(dead_letters(d.disks()) == 0);
  d.in.head.next = 3, d.in.consumed = 2, d.out.acked = 2; // behind is no fault, but not done
  CHECK(d.broken().empty());
  CHECK(d.open() == "was consumed to 2 of 3");
}

TEST_CASE("a stream whose ends cannot be of one history is broken", "[simulation][unit]") {
  two_disks d;
  SECTION("it came further than it was sent") {
    d.in.head.next = 6, d.in.consumed = 5;
    CHECK(d.broken() == "came to 5, and its sender has it to 3");
  }
  SECTION("two digests of one position") {
    d.in.head.last[0] ^= 1;
    CHECK(d.broken() == "has two histories");
  }
  SECTION("consumed before it came") {
    d.in.consumed = 4;
    CHECK(d.broken() == "was consumed to 4, and came to 3");
  }
  SECTION("acked before it came") {
    d.in.head.next = 3, d.in.consumed = 2;
    CHECK(d.broken() == "was acked to 3, and came to 2");
  }
  SECTION("quarantined") {
    d.in.quarantined = true, d.in.quarantine_reason = "fork";
    CHECK(d.broken() == "is quarantined: fork");
  }
}

TEST_CASE("of a stream of a life that a restore undid, its recipient may have more",
          "[simulation][unit]") {
  two_disks d;
  d.in.head.next = 6, d.in.consumed = 5;
  records::agent_record sender;
  sender.agent = sender.home = d.stream.from;
  sender.type = "t";
  sender.incarnation = d.stream.incarnation;
  auto know = [&] {
    two_disks::put(*d.a, table::state, keys::agent(keys::of(d.stream.from)),
                   records::encode(sender));
  };
  know();
  CHECK(d.broken() == "came to 5, and its sender has it to 3");
  CHECK(d.open() == "was consumed to 5 of 3");
  ++sender.incarnation;
  know();
  CHECK(d.broken().empty());
  CHECK(d.open().empty());
  d.in.consumed = 4; // but all that came has its turn
  CHECK(d.open() == "was consumed to 4 of 3");
  d.in.head.next = 4, d.in.consumed = 3, d.in.head.last[0] ^= 1; // and there is one history
  CHECK(d.broken() == "has two histories");
}

TEST_CASE("what restores lost is counted by sender and recipient", "[simulation][unit]") {
  two_disks d;
  CHECK(lost_ranges(d.disks(), d.stream.from, d.stream.to).ranges == 0);
  for (records::lost_range r :
       {records::lost_range{d.stream, 2, 4, 1}, records::lost_range{d.stream, 9, 9, 2}})
    two_disks::put(*d.b, table::state, keys::lost(keys::of(r.stream.to), r.stream.key(), r.from),
                   records::encode(r));
  const auto lost = lost_ranges(d.disks(), d.stream.from, d.stream.to);
  CHECK(lost.ranges == 2);
  CHECK(lost.positions == 4);
  CHECK(lost_ranges(d.disks(), d.stream.to, d.stream.from).ranges == 0);
}

TEST_CASE("an ask without an answer is not done, and a dead letter is counted",
          "[simulation][unit]") {
  two_disks d;
  records::ask_record ask;
  ask.to = d.stream.to, ask.kind = "get", ask.handler = "got";
  two_disks::put(*d.a, table::state, keys::ask(keys::of(d.stream.from), ask.request),
                 records::encode(ask));
  CHECK(d.open() == "an ask get of " + d.stream.to.text() + " is not answered");
  two_disks::put(*d.b, table::ledger, keys::dead(uuid{}), bytes{1});
  CHECK(dead_letters(d.disks()) == 1);
}
