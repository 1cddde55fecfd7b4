// Strategies times restart types times how a child ends; intensity, escalation, nesting, the order
// of stops and starts, and children that come, go or fail meanwhile. In the manner of OTP's suite.
#include "actors/supervisor/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::supervising;

namespace {

using events = std::vector<std::string>;
constexpr auto whole_pause = seconds(20); // longer than any back-off

const char* text(strategy s) {
  return s == strategy::one_for_one   ? "one_for_one"
         : s == strategy::one_for_all ? "one_for_all"
                                      : "rest_for_one";
}
const char* text(enum restart r) {
  return r == restart::permanent   ? "permanent"
         : r == restart::transient ? "transient"
                                   : "temporary";
}

struct nested : fixture {
  // A supervisor under the boss, made anew with its children at each start.
  child_spec branch(const std::string& name, supervisor_options options,
                    std::vector<child_spec> children) {
    auto s = spec(name, restart::permanent);
    s.supervises = true;
    options.path = "root/" + name;
    s.start = [this, name, options, children](caf::actor_system& on) {
      log.events.push_back("start " + name);
      auto a = on.spawn<supervisor>(options, supervisor_ports{time, random, view, {}});
      for (const auto& c : children) caf::anon_send(a, c);
      return actors[name] = a;
    };
    return s;
  }
  supervisor_options limits(std::uint32_t intensity_max, bool escalates = true) {
    supervisor_options o;
    o.escalates = escalates;
    o.limits.intensity_max = intensity_max;
    return o;
  }
};

} // namespace

TEST_CASE("each strategy restarts whom it should, for each restart type and way to end",
          "[supervisor][unit]") {
  for (auto how : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one})
    for (auto type : {restart::permanent, restart::transient, restart::temporary})
      for (bool crashes : {true, false}) {
        INFO(text(how) << " " << text(type) << (crashes ? " crashes" : " ends in order"));
        fixture f;
        f.supervise(how);
        f.add("a", restart::permanent);
        f.add("b", type);
        f.add("c", restart::permanent);
        f.log.clear();
        if (crashes)
          f.tell("b", crash{});
        else
          f.tell("b", finish{});
        f.pass(whole_pause);
        const bool again = type == restart::permanent || (type == restart::transient && crashes);
        events expected;
        if (again && how == strategy::one_for_all)
          expected = {"stop c", "stop a", "start a", "start b", "start c"};
        else if (again && how == strategy::rest_for_one)
          expected = {"stop c", "start b", "start c"};
        else if (again)
          expected = {"start b"};
        CHECK(f.log.events == expected);
        CHECK(f.state("root/a") == "running");
        CHECK(f.state("root/b") == (again ? "running" : crashes ? "failed" : "stopped"));
        CHECK(f.state("root/c") == "running");
        CHECK(f.gave_up.count("b") == (!again && crashes ? 1 : 0));
      }
}

TEST_CASE("nobody is started before the pause is over, and all in order after it",
          "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::one_for_all);
  for (auto name : {"a", "b", "c"}) f.add(name);
  f.log.clear();
  f.tell("b", crash{});
  CHECK(f.log.events == events{"stop c", "stop a"});
  CHECK(f.state("root/a") == "restarting");
  f.pass(milliseconds(24)); // half of the shortest pause is not jitter
  CHECK(f.log.events.size() == 2);
  f.pass(milliseconds(26));
  CHECK(f.log.events == events{"stop c", "stop a", "start a", "start b", "start c"});
  CHECK(f.reason("root/b") == "b broke");
}

TEST_CASE("crashes of all children count together, and past the intensity the supervisor ends",
          "[supervisor][unit]") {
  for (auto how : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one}) {
    INFO(text(how));
    fixture f;
    f.supervise(how, 3);
    for (auto name : {"a", "b", "c"}) f.add(name);
    for (auto name : {"a", "b", "c"}) { // each once: no child by itself is past anything
      f.tell(name, crash{});
      f.pass(seconds(3));
      CHECK(f.state("root") == "running");
    }
    caf::scoped_actor watcher(*f.system);
    watcher->monitor(f.boss);
    f.log.clear();
    f.tell("b", crash{});
    CHECK(f.log.events == events{"stop c", "stop a"});
    CHECK(f.gave_up.count("b") == 1);
    std::string why;
    watcher->receive([&](const caf::down_msg& m) { why = reason_text(m.reason); });
    CHECK(why == "gave up b, which crashed too often: b broke");
    f.pass(whole_pause);
    CHECK(f.log.events.size() == 2);
    CHECK(f.view.list().empty());
    f.boss = nullptr;
  }
}

TEST_CASE("crashes that the period forgot do not count", "[supervisor][unit]") {
  for (auto how : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one}) {
    INFO(text(how));
    fixture f;
    f.supervise(how, 1);
    for (auto name : {"a", "b"}) f.add(name);
    for (int i = 0; i < 10; ++i) {
      f.tell(i % 2 == 0 ? "a" : "b", crash{});
      f.pass(restart_limits().period + milliseconds(1));
      CHECK(f.state("root/a") == "running");
      CHECK(f.state("root/b") == "running");
    }
  }
}

TEST_CASE("a temporary child goes with its siblings, and does not come back",
          "[supervisor][unit]") {
  for (auto how : {strategy::one_for_all, strategy::rest_for_one}) {
    INFO(text(how));
    fixture f;
    f.supervise(how);
    f.add("a");
    f.add("t", restart::temporary);
    f.add("c");
    f.log.clear();
    f.tell("a", crash{});
    f.pass(whole_pause);
    CHECK(f.log.events == events{"stop c", "stop t", "start a", "start c"});
    CHECK(f.gave_up["t"] == "stopped with its siblings");
  }
}

TEST_CASE("a child that fails in start begins the restart anew, and counts", "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::one_for_all, 3);
  for (auto name : {"a", "b", "c"}) f.add(name);
  f.log.clear();
  f.failing.insert("b");
  f.tell("c", crash{});
  f.pass(milliseconds(50));
  CHECK(f.log.events == events{"stop b", "stop a", "start a", "start b", "stop a"});
  CHECK(f.reason("root/b") == "cannot start");
  f.failing.clear();
  f.log.clear();
  f.pass(milliseconds(100));
  CHECK(f.log.events == events{"start a", "start b", "start c"});
  f.failing.insert("b");
  f.tell("a", crash{}); // the third
  f.pass(whole_pause);  // and b's, the fourth
  CHECK(f.view.list().empty());
}

TEST_CASE("rest for one: a failed start repeats the rest alone", "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::rest_for_one);
  for (auto name : {"a", "b", "c"}) f.add(name);
  f.log.clear();
  f.failing.insert("c");
  f.tell("b", crash{});
  f.pass(milliseconds(50));
  CHECK(f.log.events == events{"stop c", "start b", "start c"});
  f.failing.clear();
  f.log.clear();
  f.pass(milliseconds(100));
  CHECK(f.log.events == events{"start c"});
}

TEST_CASE("a child that dies while others are being stopped is started with them, and not counted",
          "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::one_for_all, 1);
  for (auto name : {"a", "b", "c"}) f.add(name);
  f.tell("c", die_late{});
  f.log.clear();
  f.tell("b", crash{});
  CHECK(f.log.events == events{"stop c"}); // and waits for it
  f.tell("a", crash{});
  CHECK(f.state("root") == "running");
  f.pass(supervisor_options().stop_deadline);
  f.pass(whole_pause);
  CHECK(f.log.events == events{"stop c", "start a", "start b", "start c"});
}

TEST_CASE("rest for one: a crash before the rest, while it is being stopped, widens it",
          "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::rest_for_one);
  for (auto name : {"a", "b", "c", "d"}) f.add(name);
  f.tell("d", die_late{});
  f.log.clear();
  f.tell("c", crash{});
  f.tell("b", crash{});
  f.pass(supervisor_options().stop_deadline);
  f.pass(whole_pause);
  CHECK(f.log.events == events{"stop d", "start b", "start c", "start d"});
  CHECK(f.starts["a"] == 1);
}

TEST_CASE("a child that ends in order while others are being stopped has ended",
          "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::one_for_all);
  for (auto name : {"a", "b", "c"}) f.add(name);
  f.tell("c", die_late{});
  f.tell("b", crash{});
  f.log.clear();
  f.tell("a", finish{});
  f.pass(supervisor_options().stop_deadline);
  f.pass(whole_pause);
  CHECK(f.log.events == events{"start b", "start c"});
  CHECK(f.state("root/a") == "stopped");
}

TEST_CASE("children that come while others are being restarted start with them, in their place",
          "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::rest_for_one);
  for (auto name : {"a", "b"}) {
    auto s = f.spec(name);
    s.order = name[0] == 'a' ? 10 : 30;
    f.add(s);
  }
  f.tell("b", die_late{});
  f.tell("b", crash{});
  f.log.clear();
  auto early = f.spec("before"), late = f.spec("behind");
  early.order = 20; // before the rest: started at once
  f.add(late);
  f.add(early);
  CHECK(f.log.events == events{"start before"});
  CHECK(f.state("root/behind") == "restarting");
  f.pass(whole_pause);
  CHECK(f.log.events == events{"start before", "start b", "start behind"});
  f.log.clear();
  f.tell("a", crash{});
  CHECK(f.log.events == events{"stop behind", "stop b", "stop before"});
}

TEST_CASE("a removed child is stopped and forgotten, also while it waits or is being restarted",
          "[supervisor][unit]") {
  for (auto how : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one}) {
    INFO(text(how));
    fixture f;
    f.supervise(how);
    for (auto name : {"a", "b", "c"}) f.add(name);
    f.log.clear();
    caf::anon_send(f.boss, remove_child{"b"});
    f.run();
    CHECK(f.log.events == events{"stop b"});
    CHECK(f.state("root/b").empty());
    f.pass(whole_pause);
    CHECK(f.log.events == events{"stop b"}); // no crash, and no sibling's matter
    f.tell("a", crash{});
    caf::anon_send(f.boss, remove_child{"a"}); // it waits
    f.run();
    f.log.clear();
    f.pass(whole_pause);
    CHECK(f.state("root/a").empty());
    CHECK(f.log.events == (how == strategy::one_for_one ? events{} : events{"start c"}));
    f.add("a"); // its name is free again
    CHECK(f.state("root/a") == "running");
    caf::anon_send(f.boss, remove_child{"nobody"});
    f.run();
    CHECK(f.state("root") == "running");
  }
}

TEST_CASE("a child removed while it is being stopped with its group does not come back",
          "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::one_for_all);
  for (auto name : {"a", "b", "c"}) f.add(name);
  f.tell("c", die_late{});
  f.tell("a", crash{});
  caf::anon_send(f.boss, remove_child{"c"});
  f.run();
  f.log.clear();
  f.pass(supervisor_options().stop_deadline);
  f.pass(whole_pause);
  CHECK(f.log.events == events{"stop b", "start a", "start b"});
  CHECK(f.state("root/c").empty());
}

TEST_CASE("a stop during a restart stops what runs, and starts nothing", "[supervisor][unit]") {
  fixture f;
  f.supervise(strategy::one_for_all);
  for (auto name : {"a", "b", "c"}) f.add(name);
  f.tell("c", die_late{});
  f.tell("b", crash{});
  f.log.clear();
  caf::anon_send(f.boss, stop_child{});
  f.run();
  CHECK(f.log.events.empty()); // c was told already; a comes after it
  f.pass(supervisor_options().stop_deadline);
  f.pass(whole_pause);
  CHECK(f.log.events == events{"stop a"});
  CHECK(f.view.list().empty());
}

TEST_CASE_METHOD(nested, "a branch that gives up is a crashed child of its parent",
                 "[supervisor][unit]") {
  supervise(strategy::rest_for_one, 1);
  add("before");
  add(branch("branch", limits(0), {spec("x"), spec("y")}));
  add("after");
  log.clear();
  tell("x", crash{}); // past an intensity of nothing
  CHECK(log.events == events{"stop y", "stop after"});
  CHECK(reason("root/branch") == "gave up x, which crashed too often: x broke");
  CHECK(state("root/branch") == "restarting");
  pass(whole_pause);
  CHECK(log.events ==
        events{"stop y", "stop after", "start branch", "start after", "start x", "start y"});
  CHECK(state("root/branch/x") == "running");
  tell("y", crash{}); // the parent's second within its period: all the way up
  CHECK(view.list().empty());
}

TEST_CASE_METHOD(nested, "a parent that does not escalate gives the branch up, alone",
                 "[supervisor][unit]") {
  supervise(limits(1, false));
  add("sibling");
  add(branch("branch", limits(0), {spec("x")}));
  for (int i = 0; i < 2; ++i) {
    tell("x", crash{});
    pass(whole_pause);
  }
  CHECK(state("root/branch") == "failed");
  CHECK(gave_up["branch"] == "gave up x, which crashed too often: x broke");
  CHECK(state("root/sibling") == "running");
  CHECK(state("root") == "running");
}

TEST_CASE_METHOD(nested, "a branch stops its own children in order, however long they take",
                 "[supervisor][unit]") {
  supervise(strategy::one_for_all);
  add("first");
  add(branch("branch", limits(5), {spec("x"), spec("y")}));
  add("last");
  tell("x", die_late{});
  tell("y", die_late{});
  log.clear();
  tell("first", crash{});
  CHECK(log.events == events{"stop last", "stop y"});
  pass(supervisor_options().stop_deadline);
  CHECK(log.events == events{"stop last", "stop y", "stop x"});
  CHECK(state("root/branch") == "stopping"); // past a child's deadline, and not killed
  pass(supervisor_options().stop_deadline);
  pass(whole_pause);
  CHECK(log.events == events{"stop last", "stop y", "stop x", "start first", "start branch",
                             "start last", "start x", "start y"});
}

// Any crashes, removals, additions, failing starts and stubborn children: once all is quiet every
// child runs that should, none other does, and each is stopped once.
TEST_CASE("whatever happens meanwhile, all that should run does in the end",
          "[supervisor][property]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    seeded_random dice(seed);
    auto how = strategy(dice.below(3));
    INFO("seed " << seed << " " << text(how));
    fixture f;
    f.supervise(how, 1000);
    std::set<std::string> wanted;
    auto any = [&] { return std::string(1, char('a' + dice.below(8))); };
    for (int i = 0; i < 60; ++i) {
      auto name = any();
      switch (dice.below(6)) {
      case 0:
        f.add(name, restart::permanent);
        wanted.insert(name);
        break;
      case 1:
        if (wanted.count(name) == 0 || f.state("root/" + name) != "running") break;
        caf::anon_send(f.boss, remove_child{name});
        f.run();
        f.pass(supervisor_options().stop_deadline); // gone, so that its name is free
        wanted.erase(name);
        break;
      case 2:
        if (f.actors.count(name) != 0) f.tell(name, die_late{});
        break;
      case 3: f.failing.insert(name); break;
      case 4: f.failing.clear(); break;
      default:
        if (f.actors.count(name) != 0) f.tell(name, crash{});
      }
      f.pass(milliseconds(dice.below(200)));
    }
    f.failing.clear();
    for (int i = 0; i < 20; ++i) f.pass(seconds(30));
    for (const auto& name : wanted) {
      INFO(name);
      CHECK(f.state("root/" + name) == "running");
    }
    CHECK(f.view.list().size() == wanted.size() + 1);
    f.log.clear();
    caf::anon_send(f.boss, stop_child{});
    f.run();
    for (int i = 0; i < 10; ++i) f.pass(seconds(10));
    CHECK(f.log.lines.size() == wanted.size());
    CHECK(f.view.list().empty());
  }
}
