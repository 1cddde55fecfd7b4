// Where envelopes go, the gate in front of a mailbox, and the register of outgoing streams.
#include "actors/base/router.hpp"

#include "runtime/identity/keys.hpp"

#include <catch2/catch.hpp>

using namespace kith;

namespace {

struct fixture {
  did make() { return secret_key::generate(random).did(); }
  std::shared_ptr<out_stream> stream(const did& from, const did& to) {
    return std::make_shared<out_stream>(stream_id{from, to, lane::request, 1});
  }
  seeded_random random{11};
  did agent = make(), here = make(), there = make();
  kith::router router;
};

} // namespace

TEST_CASE_METHOD(fixture, "an agent that nobody spoke of is nowhere", "[base][unit]") {
  CHECK(router.find(agent).where == route::kind::unknown);
  CHECK_FALSE(router.is_local(agent));
  CHECK(router.epoch_floor(agent) == 0);
  CHECK_FALSE(router.link_of(there).actor);
  CHECK(router.streams_to(agent).empty());
}

TEST_CASE_METHOD(fixture, "an agent is local before its mailbox has started, and while it is down",
                 "[base][unit]") {
  router.add_local(agent);
  CHECK(router.is_local(agent));
  CHECK_FALSE(router.find(agent).gate);
  auto gate = std::make_shared<actor_gate>();
  router.set_mailbox(agent, {}, gate);
  CHECK(router.find(agent).gate == gate);
  router.set_mailbox(agent, {}, nullptr);
  CHECK(router.is_local(agent));
  router.remove_local(agent);
  CHECK_FALSE(router.is_local(agent));
  router.set_mailbox(agent, {}, gate); // one that was removed does not come back by it
  CHECK_FALSE(router.find(agent).gate);
}

TEST_CASE_METHOD(fixture, "what is sent to an agent that sleeps wakes it, once", "[base][unit]") {
  auto gate = std::make_shared<actor_gate>(); // as a mailbox would share it
  int woken = 0;
  router.wake_with([&](const did& who) {
    ++woken;
    router.set_mailbox(who, {}, gate);
    return true;
  });
  router.put_to_sleep(agent);
  CHECK(router.find(agent).asleep); // a look wakes nobody
  for (int i = 0; i < 2; ++i) router.at(agent, [&](const route& r) { CHECK(r.gate == gate); });
  CHECK(woken == 1);
  router.put_to_sleep(agent);
  CHECK(router.find(agent).asleep);
  CHECK_FALSE(router.find(agent).gate);
  router.at(agent, [&](const route& r) { CHECK(r.gate == gate); });
  CHECK(woken == 2);
}

TEST_CASE_METHOD(fixture, "an agent that cannot be woken, or falls asleep at once, is not there",
                 "[base][unit]") {
  router.put_to_sleep(agent);
  bool works = false;
  int tries = 0;
  router.wake_with([&](const did&) {
    ++tries;
    return works;
  });
  int used = 0;
  auto use = [&](const route& r) {
    ++used;
    CHECK(r.where == route::kind::local);
    CHECK(r.asleep);
  };
  router.at(agent, use);
  CHECK(tries == 1);
  works = true; // and it sleeps all the same
  router.at(agent, use);
  CHECK(tries > 1);
  CHECK(used == 2);
  router.at(there, [&](const route& r) {
    ++used;
    CHECK(r.where == route::kind::unknown);
  });
  CHECK(used == 3);
}

TEST_CASE_METHOD(fixture, "no peer can say that a local agent is elsewhere", "[base][unit]") {
  router.add_local(agent);
  CHECK_FALSE(router.set_remote(agent, there, 99));
  router.remove_remote(agent, there);
  CHECK(router.is_local(agent));
}

TEST_CASE_METHOD(fixture,
                 "of two homes the one of the higher epoch is believed, also after it is gone",
                 "[base][unit]") {
  CHECK(router.set_remote(agent, there, 5));
  CHECK_FALSE(router.set_remote(agent, here, 4));
  CHECK(router.find(agent).node == there);
  CHECK(router.remotes_of(there) == std::vector<did>{agent});
  router.remove_remote(agent, here); // not its to remove
  CHECK(router.find(agent).where == route::kind::remote);
  router.remove_remote(agent, there);
  CHECK(router.find(agent).where == route::kind::unknown);
  CHECK(router.remotes_of(there).empty());
  CHECK(router.epoch_floor(agent) == 5);
  CHECK_FALSE(router.set_remote(agent, here, 4));
  CHECK(router.set_remote(agent, here, 6));
  CHECK(router.find(agent).node == here);
}

TEST_CASE_METHOD(
    fixture, "outgoing streams are found by recipient, and a restarted sender's replaces its own",
    "[base][unit]") {
  auto other = make();
  auto one = stream(agent, there), two = stream(other, there);
  router.add_stream(one);
  router.add_stream(two);
  CHECK(router.streams_to(there).size() == 2);
  auto again = stream(agent, there);
  router.add_stream(again);
  CHECK(router.streams_to(there).size() == 2);
  CHECK(router.stream(one->id) == again);
  router.remove_streams_from(agent);
  CHECK(router.streams_to(there) == std::vector<std::shared_ptr<out_stream>>{two});
  CHECK(router.stream(one->id) == nullptr);
  router.clear();
  CHECK(router.streams_to(there).empty());
}

TEST_CASE("a gate lets in up to its bounds, and again when there is room", "[base][unit]") {
  actor_gate gate;
  for (std::int64_t i = 0; i < actor_gate::count_max; ++i) REQUIRE(gate.enter(1));
  CHECK_FALSE(gate.enter(1));
  CHECK(gate.count() == actor_gate::count_max); // who was refused takes no room
  gate.leave(1, 1);
  CHECK(gate.enter(1));
  gate.leave(std::size_t(actor_gate::count_max), std::size_t(actor_gate::count_max));
  CHECK(gate.count() == 0);
  CHECK(gate.enter(std::size_t(actor_gate::bytes_max))); // one of any size
  CHECK_FALSE(gate.enter(1));
}

TEST_CASE("of many that find a gate full the first alone raises the alarm, until it was seen to",
          "[base][unit]") {
  actor_gate gate;
  CHECK(gate.raise_overflow());
  CHECK_FALSE(gate.raise_overflow());
  gate.clear_overflow();
  CHECK(gate.raise_overflow());
}
