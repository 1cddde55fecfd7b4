// How an agent ends its own life: what the last commit of that life holds, and when the mailbox
// goes.
#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;

namespace {

struct crash_fixture {
  manual_clock time;
  seeded_random random{11};
  test_node n{time, random};
  did sender = n.spawn("recorder");
};

} // namespace

TEST_CASE_METHOD(crash_fixture, "a crash undoes its turn and leaves its message as a dead letter",
                 "[mailbox][unit]") {
  auto agent = n.spawn("recorder");
  n.tell(sender, agent, "note", "before");
  n.tell(sender, agent, "crash", "now");
  n.tell(sender, agent, "note", "after");
  n.settle();
  CHECK(n.cell(agent, "seen") == R"(["before"])");
  REQUIRE(n.crashed.size() == 1);
  CHECK(n.crashed[0] == std::pair(agent, std::string("crash now")));
  CHECK(n.dead_count() == 1);
  REQUIRE(n.activate(agent, false)); // the next life goes on behind it
  n.settle();
  CHECK(n.cell(agent, "seen") == R"(["before","after"])");
  CHECK(n.crashed.size() == 1);
}

TEST_CASE_METHOD(crash_fixture, "who asked is told of a crash, in whatever handler it was",
                 "[mailbox][unit]") {
  auto agent = n.spawn("recorder");
  n.tell(sender, sender, "order", order(agent, "ask", "x")); // no such payload: refused, no crash
  n.tell(sender, sender, "ask", order(agent, "crash", "now"), json_type);
  n.settle();
  CHECK(n.cell(sender, "seen") == R"(["dead:it crashed the agent: crash now:ctx"])");
  CHECK(n.crashed.size() == 1);

  REQUIRE(n.activate(agent, false));
  n.tell(sender, agent, "ask", order(sender, "question", "crash"), json_type);
  n.settle();
  REQUIRE(n.crashed.size() == 2);
  CHECK(n.crashed[1] == std::pair(agent, std::string("crash in an answer")));
  CHECK(n.box(agent).report().asks == 0); // the answer is consumed: it does not come again
}

TEST_CASE_METHOD(crash_fixture, "a volatile message can crash an agent too", "[mailbox][unit]") {
  auto agent = n.spawn("recorder");
  n.tell(sender, sender, "whisper", order(agent, "crash", "softly"), json_type);
  n.settle();
  REQUIRE(n.crashed.size() == 1);
  CHECK(n.crashed[0].second == "crash softly");
  CHECK(n.dead_count() == 0);
}

TEST_CASE_METHOD(crash_fixture,
                 "an agent under a declared supervisor crashes when a message failed all its tries",
                 "[mailbox][unit]") {
  auto alone = n.spawn("recorder");
  auto supervised = n.spawn("recorder", "desk");
  for (auto agent : {alone, supervised}) n.tell(sender, agent, "break", "it");
  for (int i = 0; i < 20; ++i) {
    n.settle();
    time.advance(std::chrono::seconds(30));
  }
  CHECK(n.dead_count() == 2);
  REQUIRE(n.crashed.size() == 1);
  CHECK(n.crashed[0] == std::pair(supervised, std::string("broken it")));
  CHECK(n.box(alone).report().state == "running");
  REQUIRE(n.activate(supervised, false));
  n.tell(sender, supervised, "note", "after");
  n.settle();
  CHECK(n.cell(supervised, "seen") == R"(["after"])");
}

TEST_CASE_METHOD(crash_fixture, "nothing more is handled in the step that crashes",
                 "[mailbox][unit]") {
  auto agent = n.spawn("recorder");
  auto other = n.spawn("recorder");
  for (auto from : {sender, other}) {
    n.tell(from, agent, "crash", "now");
    n.tell(from, agent, "crash", "again");
  }
  n.settle();
  CHECK(n.crashed.size() == 1);
  CHECK(n.dead_count() == 1);
  for (std::size_t life = 2; life <= 4; ++life) {
    REQUIRE(n.activate(agent, false));
    n.settle();
    CHECK(n.crashed.size() == life);
  }
  CHECK(n.dead_count() == 4);
}
