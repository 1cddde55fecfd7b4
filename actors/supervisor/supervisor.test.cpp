// The restart policy by itself, and the supervisor under CAF's deterministic scheduler with a clock
// that stands still.
#include "actors/supervisor/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::supervising;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("restarts wait longer and longer, and end past the intensity", "[supervisor][unit]") {
  restart_limits limits;
  limits.intensity_max = 4;
  limits.delay = milliseconds(50);
  limits.delay_max = milliseconds(150);
  restart_policy policy(limits);
  manual_clock time;
  seeded_random random(1);
  for (auto longest : {50, 100, 150, 150}) {
    auto delay = policy.crashed(time.now(), random);
    REQUIRE(delay);
    CHECK(*delay >= milliseconds(longest) / 2);
    CHECK(*delay <= milliseconds(longest));
  }
  CHECK(policy.restarts() == 4);
  CHECK_FALSE(policy.crashed(time.now(), random));
  CHECK(policy.restarts() == 4);
}

TEST_CASE("crashes older than the period are forgotten", "[supervisor][unit]") {
  restart_limits limits;
  limits.intensity_max = 1;
  restart_policy policy(limits);
  manual_clock time;
  seeded_random random(1);
  for (int i = 0; i < 10; ++i) {
    auto delay = policy.crashed(time.now(), random);
    REQUIRE(delay);
    CHECK(*delay <= limits.delay);
    time.advance(limits.period + milliseconds(1));
  }
}

TEST_CASE_METHOD(fixture, "a child that crashes is started again, and its sibling is not touched",
                 "[supervisor][unit]") {
  supervise();
  add("a");
  add("b");
  auto sibling = actors["b"];
  tell("a", crash{});
  CHECK(state("root/a") == "restarting");
  CHECK(starts["a"] == 1); // not before the delay
  pass(milliseconds(50));
  CHECK(starts["a"] == 2);
  CHECK(starts["b"] == 1);
  CHECK(actors["b"] == sibling);
  CHECK(state("root/a") == "running");
  CHECK(state("root/b") == "running");
}

TEST_CASE_METHOD(fixture, "a child that ends in order is not started again", "[supervisor][unit]") {
  supervise();
  add("a");
  tell("a", stop_child{});
  pass(seconds(60));
  CHECK(starts["a"] == 1);
  CHECK(state("root/a") == "stopped");
  add("a"); // and its name is free
  CHECK(starts["a"] == 2);
}

TEST_CASE_METHOD(fixture, "a child that crashes past the intensity is given up, alone",
                 "[supervisor][unit]") {
  supervise();
  add("a");
  add("b");
  for (std::uint32_t i = 0; i < restart_limits().intensity_max; ++i) {
    tell("a", crash{});
    pass(seconds(2));
  }
  CHECK(gave_up.empty());
  CHECK(state("root/a") == "running");
  tell("a", crash{});
  pass(seconds(60));
  CHECK(state("root/a") == "failed");
  CHECK(gave_up.count("a") == 1);
  CHECK(starts["a"] == int(restart_limits().intensity_max) + 1);
  CHECK(state("root/b") == "running");
}

TEST_CASE_METHOD(fixture, "a child that cannot start counts as one that crashed",
                 "[supervisor][unit]") {
  supervise();
  failing.insert("a");
  add("a");
  CHECK(state("root/a") == "restarting");
  failing.clear();
  pass(milliseconds(50));
  CHECK(starts["a"] == 2);
  CHECK(state("root/a") == "running");
}

TEST_CASE_METHOD(fixture, "the same child twice is one", "[supervisor][unit]") {
  supervise();
  add("a");
  add("a");
  CHECK(starts["a"] == 1);
}

TEST_CASE_METHOD(fixture, "children stop in the reverse order of their start, one after the other",
                 "[supervisor][unit]") {
  supervise();
  for (auto name : {"z", "m", "a"}) add(name);
  tell("m", die_late{}); // holds up the ones before it until its deadline
  caf::anon_send(boss, stop_child{});
  run();
  CHECK(log.lines == std::vector<std::string>{"stop a", "stop m"});
  CHECK(state("root") == "stopping");
  pass(supervisor_options().stop_deadline - milliseconds(1));
  CHECK(log.lines.size() == 2);
  pass(milliseconds(1));
  CHECK(log.lines == std::vector<std::string>{"stop a", "stop m", "stop z"});
  CHECK(view.list().empty());
}

TEST_CASE_METHOD(fixture, "one child killed at its deadline does not cut the others short",
                 "[supervisor][unit]") {
  supervisor_options options;
  options.stop_together = true;
  supervise(options);
  for (auto name : {"a", "b"}) add(name);
  tell("a", die_late{});
  tell("b", die_late{});
  caf::anon_send(boss, stop_child{});
  run();
  CHECK(log.lines.size() == 2);
  caf::anon_send_exit(actors["a"], caf::exit_reason::kill); // a is killed, long before b's deadline
  run();
  CHECK(state("root") == "stopping");
  CHECK(state("root/b") == "running");
  pass(options.stop_deadline);
  CHECK(view.list().empty());
}

TEST_CASE_METHOD(fixture, "a child that is killed is started again like any that crashed",
                 "[supervisor][unit]") {
  supervise();
  add("a");
  add("b");
  caf::anon_send_exit(actors["a"], caf::exit_reason::kill);
  run();
  pass(milliseconds(50));
  CHECK(starts["a"] == 2);
  CHECK(starts["b"] == 1);
  CHECK(state("root/b") == "running");
}

TEST_CASE_METHOD(fixture, "a supervisor that is killed takes its children with it",
                 "[supervisor][unit]") {
  supervise();
  add("a");
  auto watched = caf::actor_cast<caf::actor_addr>(actors["a"]);
  actors.clear();
  caf::anon_send_exit(boss, caf::exit_reason::kill);
  boss = nullptr;
  run();
  CHECK_FALSE(caf::actor_cast<caf::actor>(watched)); // nothing holds it any more
}

TEST_CASE_METHOD(fixture, "an undrained stop reaches all children at once", "[supervisor][unit]") {
  supervise();
  for (auto name : {"a", "b"}) add(name);
  tell("a", die_late{});
  tell("b", die_late{});
  caf::anon_send(boss, stop_child{false});
  run();
  CHECK(log.lines == std::vector<std::string>{"stop a at once", "stop b at once"});
  pass(milliseconds(100));
  CHECK(view.list().empty());
}

TEST_CASE_METHOD(fixture, "a child that was woken is supervised like one that was started",
                 "[supervisor][unit]") {
  supervise();
  auto first = adopt("a");
  CHECK(starts["a"] == 0);
  CHECK(state("root/a") == "running");
  tell("a", crash{});
  pass(milliseconds(100));
  CHECK(starts["a"] == 1);
  CHECK(actors["a"] != first);
  CHECK(state("root/a") == "running");
}

TEST_CASE_METHOD(fixture, "a child that falls asleep is forgotten, and is nobody's when it ends",
                 "[supervisor][unit]") {
  supervise();
  add("a");
  add("b");
  fall_asleep("a");
  CHECK(state("root/a").empty());
  tell("a", crash{});
  pass(seconds(60));
  CHECK(starts["a"] == 1);
  adopt("a");
  CHECK(state("root/a") == "running");
  caf::anon_send(boss, child_sleeps{"a", actors["b"]}); // another life's word
  run();
  CHECK(state("root/a") == "running");
}

TEST_CASE_METHOD(fixture, "who wakes while its siblings are restarted is restarted with them",
                 "[supervisor][unit]") {
  supervise(strategy::one_for_all);
  add("a");
  add("b");
  tell("a", crash{});
  auto woken = adopt("c");
  CHECK(log.lines.back() == "stop c");
  pass(seconds(1));
  CHECK(starts["c"] == 1);
  CHECK(state("root/c") == "running");
  fall_asleep("b"); // and who sleeps is left alone
  log.clear();
  tell("a", crash{});
  pass(seconds(2));
  CHECK(starts["b"] == 2);
  CHECK(starts["c"] == 2);
}

TEST_CASE_METHOD(fixture, "a supervisor that stops takes nobody in, and waits for nobody asleep",
                 "[supervisor][unit]") {
  supervise();
  add("a");
  add("b");
  tell("a", die_late{});
  caf::anon_send(boss, stop_child{true});
  run();
  CHECK(state("root") == "stopping");
  auto late = adopt("c");
  CHECK(state("root/c").empty());
  fall_asleep("a");
  CHECK(state("root").empty());
}

TEST_CASE_METHOD(fixture, "restarts and children given up are counted by their kind",
                 "[supervisor][unit]") {
  const auto counted = [&](std::string_view what) {
    return metrics.count(what, {{"kind", "child"}}).value();
  };
  supervisor_options options;
  options.limits.intensity_max = 1;
  supervise(options);
  add("a");
  CHECK(metrics.read().size() == 2); // there before anything happens
  tell("a", crash{});
  CHECK(counted("kith_restarts_total") == 1);
  pass(seconds(1));
  CHECK(counted("kith_given_up_total") == 0);
  tell("a", crash{});
  CHECK(counted("kith_restarts_total") == 1);
  CHECK(counted("kith_given_up_total") == 1);
}
