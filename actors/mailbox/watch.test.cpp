// Watching, as the mailbox keeps it: stored with the turn, told to the node when it is, and the
// turns in which the agent hears of it.
#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;

namespace {

struct watch_fixture {
  manual_clock time;
  seeded_random random{13};
  test_node n{time, random};
  did sender = n.spawn("recorder");
  did agent = n.spawn("recorder");
  did other = n.spawn("recorder");
  using watches = std::vector<std::pair<did, bool>>;

  void ask(std::string kind, const did& who) {
    n.tell(sender, agent, std::move(kind), who.text());
    n.settle();
  }
  void down_with(down_reason reason, std::string why) {
    n.box(agent).went_down({other, reason, std::move(why)});
    n.settle();
  }
};

} // namespace

TEST_CASE_METHOD(watch_fixture,
                 "a watch is told to the node when it is durable, and again in each life",
                 "[mailbox][unit]") {
  n.tell(sender, agent, "watch", other.text());
  while (n.turn()) {
  }
  CHECK(n.watches.empty()); // nothing is synced
  n.settle();
  CHECK(n.watches == watches{{other, true}});
  CHECK(n.cell(agent, "kith.watches") == "[\"" + other.text() + "\"]");
  n.stop();
  n.restart(false);
  n.box(agent).watch_again();
  CHECK(n.watches == watches{{other, true}, {other, true}});
  ask("unwatch", other);
  CHECK(n.watches.back() == std::pair(other, false));
  CHECK(n.cell(agent, "kith.watches") == "[]");
}

TEST_CASE_METHOD(watch_fixture, "what is watched goes down in a turn of its own",
                 "[mailbox][unit]") {
  down_with(down_reason::crashed, "nobody watches");
  CHECK(n.cell(agent, "seen").empty());
  ask("watch", other);
  down_with(down_reason::crashed, "one");
  down_with(down_reason::stopped, "two"); // the watch stands
  CHECK(n.cell(agent, "seen") == R"(["crashed one","stopped two"])");
  ask("unwatch", other);
  down_with(down_reason::unreachable, "three");
  CHECK(n.cell(agent, "seen") == R"(["crashed one","stopped two"])");
}

TEST_CASE_METHOD(watch_fixture, "of notices that wait about one agent the last is told",
                 "[mailbox][unit]") {
  ask("watch", other);
  n.box(agent).went_down({other, down_reason::unreachable, "first"});
  n.box(agent).went_down({other, down_reason::crashed, "last"});
  n.settle();
  CHECK(n.cell(agent, "seen") == R"(["crashed last"])");
}

TEST_CASE_METHOD(watch_fixture, "a notice whose turn fails is tried again, and not for ever",
                 "[mailbox][unit]") {
  ask("watch", other);
  n.box(agent).went_down({other, down_reason::crashed, "break"});
  n.settle();
  REQUIRE(n.box(agent).next_wake());
  std::size_t tries = 0;
  for (int i = 0; i < 20; ++i) {
    time.advance(std::chrono::seconds(30));
    n.settle();
  }
  for (const auto& line : n.logged) tries += line.find("broken notice") != std::string::npos;
  CHECK(tries == n.limits.attempts_max);
  CHECK_FALSE(n.box(agent).next_wake());
  CHECK(n.cell(agent, "seen").empty());
  CHECK(n.box(agent).idle());
}

TEST_CASE_METHOD(watch_fixture, "a notice can crash the agent", "[mailbox][unit]") {
  ask("watch", other);
  down_with(down_reason::crashed, "crash");
  REQUIRE(n.crashed.size() == 1);
  CHECK(n.crashed[0] == std::pair(agent, std::string("could not bear it")));
  REQUIRE(n.activate(agent, false));
  n.settle();
  CHECK(n.crashed.size() == 1);
}

TEST_CASE("an agent watches no more than it may", "[mailbox][unit]") {
  manual_clock time;
  seeded_random random{17};
  mailbox_limits limits;
  limits.watches_max = 10;
  test_node n{time, random, limits};
  auto agent = n.spawn("recorder");
  n.tell(agent, agent, "watch many", "10", json_type);
  n.settle();
  CHECK(n.watches.size() == 10);
  n.tell(agent, agent, "watch many", "11", json_type);
  for (int i = 0; i < 20; ++i) {
    n.settle();
    time.advance(std::chrono::seconds(30));
  }
  CHECK(n.watches.size() == 10);
  CHECK(n.dead_count() == 1);
}
