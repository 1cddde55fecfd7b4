// Whom to dial and when: seeds, back-off, courtesy, and what nodes tell each other.
#include "actors/membership/membership.hpp"

#include "runtime/identity/keys.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using std::chrono::milliseconds;

namespace {

struct fixture {
  fixture() {
    for (int i = 0; i < 3; ++i) ids.push_back(secret_key::generate(random).did());
    std::sort(ids.begin(), ids.end()); // ids[1] is us: one is smaller, one greater
  }
  std::vector<std::string> due() {
    std::vector<std::string> out;
    for (auto& d : m->due(time.now())) out.push_back(d.address);
    return out;
  }
  void start(std::vector<std::string> seeds) { m.emplace(ids[1], std::move(seeds)); }
  static wire::members::entry entry(const did& node, std::vector<std::string> addresses) {
    wire::members::entry e;
    e.node = node;
    e.name = "n";
    e.addresses = std::move(addresses);
    return e;
  }
  manual_clock time;
  seeded_random random{5};
  std::vector<did> ids;
  std::optional<membership> m;
};
using list = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(fixture, "seeds are dialled at once, each once, until they answer",
                 "[membership][unit]") {
  start({"a:1", "b:1"});
  CHECK_FALSE(m->joined());
  CHECK(due() == list{"a:1", "b:1"});
  CHECK(due().empty()); // under way
  m->up(ids[0], "a", {"a:1"}, "a:1");
  CHECK_FALSE(m->joined());
  m->up(ids[2], "b", {"other:1"}, "b:1");
  CHECK(m->joined());
  time.advance(std::chrono::hours(1));
  CHECK(due().empty());
  CHECK(m->name_of(ids[2]) == "b");
  CHECK(m->name_of(ids[1]).empty());
}

TEST_CASE_METHOD(fixture, "without seeds a node has joined", "[membership][unit]") {
  start({});
  CHECK(m->joined());
  CHECK(due().empty());
}

TEST_CASE_METHOD(fixture, "a seed that is this very node counts as answered",
                 "[membership][unit]") {
  start({"me:1"});
  CHECK(due() == list{"me:1"});
  m->settled("me:1");
  CHECK(m->joined());
  CHECK(due().empty());
}

TEST_CASE_METHOD(fixture, "the wait between dials doubles up to the last, half of it at least",
                 "[membership][unit]") {
  start({"a:1"});
  duration longest = membership::retry_delay;
  for (int tries = 0; tries < 12; ++tries) {
    CHECK(due() == list{"a:1"});
    m->failed("a:1", time.now(), random);
    time.advance(longest / 2 - milliseconds(1));
    CHECK(due().empty());
    time.advance(longest / 2 + milliseconds(1));
    longest = std::min(longest * 2, membership::retry_delay_max);
  }
}

TEST_CASE_METHOD(fixture,
                 "a member that went down is dialled again, at first after the least delay",
                 "[membership][unit]") {
  start({});
  m->up(ids[2], "c", {"c:1"}, "");
  m->down(ids[2], time.now());
  CHECK(due().empty());
  time.advance(membership::retry_delay);
  auto dials = m->due(time.now());
  REQUIRE(dials.size() == 1);
  CHECK(dials[0].expected == ids[2]);
  m->failed("c:1", time.now(), random);
  CHECK(due().empty());
  time.advance(membership::retry_delay);
  CHECK(due() == list{"c:1"});
  m->up(ids[2], "c", {"c:1"}, "c:1");
  time.advance(std::chrono::hours(1));
  CHECK(due().empty());
}

TEST_CASE_METHOD(fixture,
                 "the node with the greater DID leaves it to the other to dial, for a while",
                 "[membership][unit]") {
  start({});
  m->heard({entry(ids[0], {"small:1"}), entry(ids[2], {"great:1"})}, time.now());
  CHECK(due() == list{"great:1"}); // we are smaller than that one
  time.advance(membership::courtesy - milliseconds(1));
  CHECK(due().empty());
  time.advance(milliseconds(1));
  CHECK(due() == list{"small:1"});
}

TEST_CASE_METHOD(fixture,
                 "what others say of us, of members known, or without an address teaches nothing",
                 "[membership][unit]") {
  start({});
  m->up(ids[2], "c", {"c:1"}, "");
  m->heard({entry(ids[1], {"me:1"}), entry(ids[2], {"wrong:1"}), entry(ids[0], {})}, time.now());
  time.advance(std::chrono::hours(1));
  CHECK(due().empty());
  CHECK(m->listing(entry(ids[1], {"me:1"})).list.size() == 2);
}

TEST_CASE_METHOD(fixture, "a listing has ourselves, who is up, and whom we only heard of",
                 "[membership][unit]") {
  start({});
  m->up(ids[2], "c", {"c:1"}, "");
  m->heard({entry(ids[0], {"a:1"})}, time.now());
  auto all = m->listing(entry(ids[1], {"me:1"})).list;
  REQUIRE(all.size() == 3);
  CHECK(all[0].node == ids[1]);
  for (auto& e : all)
    if (e.node == ids[2]) CHECK(e.state == wire::member_state::alive);
  for (auto& e : all)
    if (e.node == ids[0]) CHECK(e.state == wire::member_state::down); // until we reach it ourselves
}

TEST_CASE_METHOD(fixture, "a node remembers whom it knew, and dials them", "[membership][unit]") {
  start({});
  records::peer_record known;
  known.node = ids[0];
  known.addresses = {"a:1", "a:2"};
  m->remember(known, time.now());
  records::peer_record self;
  self.node = ids[1];
  self.addresses = {"me:1"};
  m->remember(self, time.now());
  records::peer_record nowhere;
  nowhere.node = ids[2];
  m->remember(nowhere, time.now());
  CHECK(due() == list{"a:1"});
}

TEST_CASE_METHOD(fixture, "one address is dialled once at a time, whoever is said to be there",
                 "[membership][unit]") {
  start({"a:1"});
  m->heard({entry(ids[2], {"a:1"})}, time.now());
  CHECK(due() == list{"a:1"});
  CHECK(due().empty());
}

TEST_CASE_METHOD(fixture, "members past the limit are not learnt", "[membership][unit]") {
  start({});
  std::vector<wire::members::entry> crowd;
  for (std::size_t i = 0; i < membership::members_max + 5; ++i)
    crowd.push_back(entry(secret_key::generate(random).did(), {"x:" + std::to_string(i)}));
  m->heard(crowd, time.now());
  CHECK(m->listing(entry(ids[1], {"me:1"})).list.size() == membership::members_max + 1);
  m->up(ids[0], "late", {"late:1"}, "late:1");
  CHECK(m->name_of(ids[0]).empty());
}
