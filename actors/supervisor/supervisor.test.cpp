// The restart policy by itself, and the supervisor under CAF's deterministic scheduler with a clock
// that stands still.
#include "actors/supervisor/supervisor.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>

using namespace kith;
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

namespace {

// Any two messages do.
using crash = link_tick;
using die_late = mailbox_tick; // ignores the stop that follows

struct child_log {
  std::vector<std::string> lines;
};

caf::behavior child(caf::event_based_actor* self, std::string name, child_log* log) {
  auto stubborn = std::make_shared<bool>(false); // by both handlers
  return {[=](crash) { self->quit(caf::sec::runtime_error); }, [=](die_late) { *stubborn = true; },
          [=](const stop_child& s) {
            log->lines.push_back("stop " + name + (s.drain ? "" : " at once"));
            if (!*stubborn) self->quit();
          }};
}

struct fixture {
  fixture() {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
  }
  ~fixture() {
    if (boss) caf::anon_send_exit(boss, caf::exit_reason::kill);
    for (auto& [name, a] : actors) caf::anon_send_exit(a, caf::exit_reason::kill);
    actors.clear();
    boss = nullptr;
    run();
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler());
  }
  void run() {
    while (scheduler().try_run_once()) {
    }
  }
  // Both clocks at once.
  void pass(duration d) {
    time.advance(d);
    scheduler().advance_time(std::chrono::duration_cast<caf::timespan>(d));
    run();
  }
  void supervise(supervisor_options options = {}) {
    options.path = "root";
    boss = system->spawn<supervisor>(std::move(options), supervisor_ports{time, random, view, {}});
    run();
  }
  void add(const std::string& name) {
    child_spec spec;
    spec.name = name;
    spec.kind = "child";
    spec.start = [this, name](caf::actor_system& s) {
      ++starts[name];
      if (failing.count(name) != 0) throw std::runtime_error("cannot start");
      return actors[name] = s.spawn(child, name, &log);
    };
    spec.gave_up = [this, name](const std::string& why) { gave_up[name] = why; };
    caf::anon_send(boss, spec);
    run();
  }
  void tell(const std::string& name, auto what) {
    caf::anon_send(actors[name], what);
    run();
  }
  std::string state(const std::string& path) {
    for (auto& [p, e] : view.list())
      if (p == path) return e.state;
    return "";
  }

  manual_clock time;
  seeded_random random{2};
  tree_view view;
  child_log log;
  std::map<std::string, int> starts;
  std::map<std::string, caf::actor> actors;
  std::map<std::string, std::string> gave_up;
  std::set<std::string> failing;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::actor boss;
};

} // namespace

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
