#include "actors/base/watchdog.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using std::chrono::milliseconds;

namespace {

struct running_turn {
  running_turn(turn_watch* in, std::string_view handler) : watch(in) { watch->begin(handler); }
  ~running_turn() { watch->end(); }
  running_turn(const running_turn&) = delete;
  turn_watch* watch;
};

} // namespace

TEST_CASE("a handler that runs for long is named, and again each time it took twice as long",
          "[base][unit]") {
  manual_clock time;
  watchdog dog;
  auto patience = milliseconds(1000);
  auto slow = did::parse("did:example:slow").value(), quick = did::parse("did:example:q").value();
  auto watch = std::make_shared<turn_watch>(time), other = std::make_shared<turn_watch>(time);
  dog.add(slow, "sleeper", watch);
  dog.add(quick, "worker", other);
  CHECK(dog.look(time.now(), patience).empty());
  {
    running_turn running(watch.get(), "nap");
    time.advance(milliseconds(999));
    running_turn short_one(other.get(), "work");
    CHECK(dog.look(time.now(), patience).empty());
    time.advance(milliseconds(1));
    auto found = dog.look(time.now(), patience);
    REQUIRE(found.size() == 1);
    CHECK(found[0].agent == slow);
    CHECK(found[0].type == "sleeper");
    CHECK(found[0].handler == "nap");
    CHECK(found[0].held == patience);
    time.advance(milliseconds(500));
    CHECK(dog.look(time.now(), patience).empty()); // said already
    time.advance(milliseconds(500));
    found = dog.look(time.now(), patience); // both now
    REQUIRE(found.size() == 2);
    CHECK(found[1].held == milliseconds(2000));
  }
  CHECK(dog.look(time.now(), patience).empty());
  running_turn again(watch.get(), "nap"); // a new turn has its patience anew
  time.advance(patience);
  CHECK(dog.look(time.now(), patience).size() == 1);
  dog.remove(slow);
  time.advance(10 * patience);
  CHECK(dog.look(time.now(), patience).empty());
}
