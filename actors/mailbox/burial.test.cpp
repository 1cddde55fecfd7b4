// What leaves the store for good: an agent's timers with the agent, a dead handler with its letter.
#include "actors/mailbox/burial.hpp"
#include "actors/mailbox/test_support.hpp"

#include <kith/kith.hpp>

using namespace kith;
using namespace kith::testing;
using store::table;

namespace {

bool doomed = true; // what fails does so

struct mortal : kith::agent {
  using agent::agent;
  void setup() override {
    on("fail", [this](const std::string& text) -> kith::task<> {
      co_await sleep(10);
      co_await sleep(10);
      if (doomed) throw std::runtime_error("failed " + text);
      done.update([&](auto& d) { d.push_back(text); });
    });
    on("wait", [this](const std::string& text) -> kith::task<> {
      co_await sleep(3'600'000);
      done.update([&](auto& d) { d.push_back(text); });
    });
    on("remind", [this](const std::string& id) {
      after(id, 1000, "ring", "once");
      every(id + "s", 1000, "ring", "often");
    });
    on("ring", [](const std::string&) {});
    on("stop", [this] { stop(); });
  }
  kith::durable<std::vector<std::string>> done{*this, "done"};
};
KITH_AGENT(mortal);

struct burial_fixture {
  burial_fixture() { doomed = true; }
  void pass(int ms) {
    time.advance(std::chrono::milliseconds(ms));
    n.settle();
  }
  void order(const std::string& kind, const std::string& text) {
    n.tell(sender, agent, kind, text);
    n.settle();
  }
  // Until it is a dead letter.
  uuid fail(const std::string& text) {
    const auto before = letters();
    order("fail", text);
    for (int i = 0; i < 12; ++i) pass(500);
    for (const auto& id : letters())
      if (std::find(before.begin(), before.end(), id) == before.end()) return id;
    FAIL("it lives");
    return {};
  }
  std::vector<uuid> letters() {
    const auto from = keys::dead_begin();
    std::vector<uuid> out;
    const auto found = n.backend->scan(table::ledger, from, keys::end_of(from), {}).value();
    for (const auto& e : found)
      out.push_back(records::decode<records::dead_letter>(e.value).value().id);
    return out;
  }
  void replay(const uuid& id, const std::string& text) {
    ingress r;
    r.to = agent;
    r.kind = "fail";
    r.content_type = std::string(text_type);
    r.payload = text;
    r.replay_of = id;
    r.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
    n.box(sender).ingress(std::move(r));
  }
  void purge(std::vector<uuid> ids) {
    n.box(agent).purge({std::move(ids), [this](result<std::vector<uuid>> r) {
                          REQUIRE(r);
                          purged = *r;
                        }});
  }
  std::size_t handler_count() { return n.count(table::state, {'e'}); }
  std::size_t segment_count() { return n.count(table::state, {'j'}); }
  std::size_t timer_count(const did& of) {
    return n.count(table::state,
                   keys::prefix(keys::timer(keys::of(of), {}), keys::agent_prefix_size));
  }
  std::string done() { return n.cell(agent, "done"); }

  manual_clock time;
  seeded_random random{31};
  test_node n{time, random};
  did sender = n.spawn("recorder"), agent = n.spawn("mortal");
  std::optional<std::vector<uuid>> purged;
};

} // namespace

TEST_CASE_METHOD(burial_fixture, "a dead handler is purged with its dead letter, journal and all",
                 "[mailbox][unit]") {
  order("wait", "alive");
  const auto one = fail("one"), two = fail("two");
  REQUIRE(handler_count() == 3);
  REQUIRE(segment_count() == 5);
  purge({one, uuid{}, one});
  while (n.turn()) {
  }
  CHECK_FALSE(purged); // not before it is synced
  n.settle();
  CHECK(purged == std::vector{one});
  CHECK(letters() == std::vector{two});
  CHECK(handler_count() == 2);
  CHECK(segment_count() == 3);
  n.crash();
  n.restart();
  CHECK(handler_count() == 2);
  doomed = false;
  replay(two, "two");
  n.settle();
  pass(3'600'000);
  CHECK(done() == R"(["two","alive"])");
  CHECK(handler_count() == 0);
  CHECK(segment_count() == 0);
}

TEST_CASE_METHOD(burial_fixture,
                 "the dead of an agent that does not run are purged by whoever asks",
                 "[mailbox][unit]") {
  const auto one = fail("one"), two = fail("two");
  const handlers table(n.limits, keys::of(agent));
  const auto dead = [](const handler_id&) { return false; };
  store::write_batch others;
  CHECK(purge_dead(*n.backend, handlers(n.limits, keys::of(sender)), sender, {one}, dead, others)
            .value()
            .letters.empty());
  CHECK(others.empty());
  store::write_batch batch;
  CHECK(purge_dead(*n.backend, table, agent, {two}, dead, batch).value().letters ==
        std::vector{two});
  REQUIRE(n.journal->submit(std::move(batch), {}));
  n.settle();
  CHECK(letters() == std::vector{one});
  CHECK(handler_count() == 1);
  CHECK(segment_count() == 2);
}

TEST_CASE_METHOD(burial_fixture, "a dead handler that goes on again is not purged",
                 "[mailbox][unit]") {
  const auto id = fail("one");
  doomed = false;
  replay(id, "one");
  while (n.turn()) { // it lives, and nothing of that is synced
  }
  REQUIRE(letters().size() == 1);
  purge({id});
  while (n.turn()) {
  }
  n.settle();
  pass(100);
  CHECK(done() == R"(["one"])");
  CHECK(handler_count() == 0);
  CHECK(segment_count() == 0);
}

TEST_CASE_METHOD(burial_fixture,
                 "a purged handler does not go on, though its letter was sent again",
                 "[mailbox][unit]") {
  const auto id = fail("one");
  doomed = false;
  replay(id, "one");
  purge({id});
  REQUIRE(n.turn(agent)); // the purge, not synced yet
  REQUIRE(n.turn(sender));
  n.settle();
  pass(10); // it begins anew, as any message does
  CHECK(done() == "");
  pass(10);
  CHECK(done() == R"(["one"])");
  CHECK(handler_count() == 0);
  CHECK(segment_count() == 0);
}

TEST_CASE_METHOD(burial_fixture, "an agent that ends for good leaves no timers behind",
                 "[mailbox][unit]") {
  const auto other = n.spawn("mortal");
  n.tell(sender, other, "remind", "x");
  order("remind", "y");
  REQUIRE(timer_count(agent) == 2);
  SECTION("by its own word") { order("stop", ""); }
  SECTION("without a turn of its own, as a temporary one that crashed") {
    store::write_batch nothing;
    REQUIRE(end_for_good(*n.backend, agent, nothing));
    CHECK(nothing.empty()); // there is no such agent
    records::agent_record r;
    r.agent = agent;
    r.type = "mortal";
    store::write_batch born;
    born.put(table::state, keys::agent(keys::of(agent)), records::encode(r));
    REQUIRE(n.journal->submit(std::move(born), {}));
    n.settle();
    store::write_batch end;
    REQUIRE(end_for_good(*n.backend, agent, end));
    REQUIRE(n.journal->submit(std::move(end), {}));
    n.settle();
    const auto stored = n.backend->get(table::state, keys::agent(keys::of(agent))).value();
    CHECK(records::decode<records::agent_record>(*stored).value().stopped);
    store::write_batch late; // a home that it no longer has
    r.epoch = 2;
    late.put(table::state, keys::agent(keys::of(agent)), records::encode(r));
    store::write_batch again;
    REQUIRE(n.journal->submit(std::move(late), {}));
    n.settle();
    REQUIRE(end_for_good(*n.backend, agent, again));
    CHECK_FALSE(n.journal->submit(std::move(again), {}));
  }
  CHECK(timer_count(agent) == 0);
  CHECK(timer_count(other) == 2);
}
