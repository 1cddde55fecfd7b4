// The agent's own timers in its mailbox: stored with the turn that sets them, consumed by the one
// that they start, whenever the node stops.
#include "actors/mailbox/test_support.hpp"

#include <kith/kith.hpp>

using namespace kith;
using namespace kith::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct alarm_order {
  std::string id;
  std::int64_t ms = 0;
  std::string text;
  int missed = 1;
};
KITH_DESCRIBE(alarm_order, id, ms, text, missed);

bool killed = false; // a turn was run that stops the process

// Sets timers, and notes what they start.
struct alarm : kith::agent {
  using agent::agent;
  void setup() override {
    on("after", [this](const alarm_order& o) { after(o.id, o.ms, "ring", o.text, options(o)); });
    on("every", [this](const alarm_order& o) { every(o.id, o.ms, "ring", o.text, options(o)); });
    on("set and throw", [this](const alarm_order& o) {
      after(o.id, o.ms, "ring", o.text);
      throw std::runtime_error("thrown");
    });
    on("set and spawn badly", [this](const alarm_order& o) {
      after(o.id, o.ms, "ring", o.text);
      cancel_timer("kept");
      spawn("alarm", "unwanted");
    });
    on("set and cancel", [this](const alarm_order& o) {
      after(o.id, o.ms, "ring", o.text);
      cancel_timer(o.id);
    });
    on("cancel", [this](const std::string& id) { cancel_timer(id); });
    on("stop", [this] { stop(); });
    on("ring", [this](const std::string& text, const message& m) { ring(text, m); });
  }
  void ring(const std::string& text, const message& m) {
    if (m.timer() == nullptr) return note("message " + text); // a dead letter that is sent again
    note(std::string(m.timer()->id) + "#" + std::to_string(m.timer()->n) + " " + text +
         (m.timer()->missed > 0 ? " missed " + std::to_string(m.timer()->missed) : ""));
    if (text == "throw") throw std::runtime_error("thrown");
    if (text == "flaky" && ++tried < 3) throw std::runtime_error("not yet");
    if (text == "kill") killed = true;
    if (text == "refuse") refuse("refused");
    if (text == "crash") crash("crashed");
    if (text == "spawn badly") spawn("alarm", "unwanted");
    if (text == "again") after(m.timer()->id, 1000, "ring", "again");
    if (text == "end") cancel_timer(m.timer()->id);
    if (text == "stop") stop();
  }
  void note(const std::string& line) {
    seen.update([&](auto& s) { s.push_back(line); });
  }
  kith::timer_options options(const alarm_order& o) { return {kith::missed(o.missed)}; }

  int tried = 0;
  kith::durable<std::vector<std::string>> seen{*this, "seen"};
};
KITH_AGENT(alarm);

struct timer_fixture {
  manual_clock time;
  seeded_random random{29};
  test_node n{time, random};
  did sender = n.spawn("recorder");
  did agent = n.spawn("alarm");

  void give(std::string kind, const alarm_order& o) {
    n.tell(sender, agent, std::move(kind), encode(o).payload, json_type);
  }
  void order(std::string kind, const alarm_order& o) {
    give(std::move(kind), o);
    n.settle();
  }
  void pass(duration d) {
    time.advance(d);
    n.settle();
  }
  std::string seen() { return n.cell(agent, "seen"); }
  std::size_t stored() {
    return n.count(store::table::state, keys::prefix(keys::timer(keys::of(agent), {}), 17));
  }
  std::size_t logged(const std::string& what) {
    return std::size_t(std::count_if(n.logged.begin(), n.logged.end(), [&](const auto& line) {
      return line.find(what) != std::string::npos;
    }));
  }
  // The turns of a firing, run and submitted, not synced.
  void run_unsynced() {
    while (n.turn()) {
    }
  }
};

} // namespace

TEST_CASE_METHOD(timer_fixture, "a timer is stored with its turn and erased with its firing",
                 "[mailbox][unit]") {
  give("after", {"tea", 5000, "is ready"});
  run_unsynced();
  CHECK(stored() == 0);
  n.settle();
  CHECK(stored() == 1);
  CHECK(n.box(agent).next_wake() == time.now() + seconds(5));
  pass(milliseconds(4999));
  CHECK(seen().empty());
  pass(milliseconds(1));
  CHECK(seen() == R"(["tea#1 is ready"])");
  CHECK(stored() == 0);
  CHECK_FALSE(n.box(agent).next_wake());
  pass(seconds(100));
  CHECK(seen() == R"(["tea#1 is ready"])");
}

TEST_CASE_METHOD(timer_fixture, "timers survive an orderly stop and a crash, and fire when due",
                 "[mailbox][unit]") {
  order("after", {"tea", 5000, "t"});
  order("every", {"tick", 3000, "x"});
  n.stop();
  n.restart(false);
  pass(seconds(3));
  CHECK(seen() == R"(["tick#1 x"])");
  n.crash();
  n.restart();
  pass(seconds(2));
  CHECK(seen() == R"(["tick#1 x","tea#1 t"])");
  pass(seconds(1));
  CHECK(seen() == R"(["tick#1 x","tea#1 t","tick#2 x"])");
  CHECK(stored() == 1);
}

TEST_CASE_METHOD(timer_fixture, "a timer whose turn was not synced is not set", "[mailbox][unit]") {
  n.settle();
  give("after", {"tea", 5000, "t"});
  run_unsynced();
  n.crash();
  n.restart();
  pass(seconds(60));
  CHECK(seen().empty());
  CHECK(stored() == 0);
}

TEST_CASE_METHOD(timer_fixture,
                 "a firing that was not synced happens again, and one that was does not",
                 "[mailbox][unit]") {
  order("after", {"tea", 5000, "t"});
  order("every", {"tick", 5000, "x"});
  time.advance(seconds(5));
  run_unsynced();
  n.crash();
  n.restart();
  n.settle();
  CHECK(seen() == R"(["tea#1 t","tick#1 x"])");
  n.crash();
  n.restart();
  n.settle();
  CHECK(seen() == R"(["tea#1 t","tick#1 x"])");
  CHECK(stored() == 1);
  pass(seconds(5));
  CHECK(seen() == R"(["tea#1 t","tick#1 x","tick#2 x"])");
}

TEST_CASE_METHOD(timer_fixture, "a turn that does not take effect sets and cancels nothing",
                 "[mailbox][unit]") {
  order("after", {"kept", 200'000, "k"});
  order("set and throw", {"x", 1000, "t"});
  order("set and spawn badly", {"y", 1000, "t"});
  for (int i = 0; i < 10; ++i) pass(seconds(10));
  CHECK(n.dead_count() == 2);
  CHECK(seen().empty());
  CHECK(stored() == 1);
  pass(seconds(100));
  CHECK(seen() == R"(["kept#1 k"])");
}

TEST_CASE_METHOD(timer_fixture, "a timer set and cancelled in one turn never was",
                 "[mailbox][unit]") {
  order("set and cancel", {"x", 1000, "t"});
  CHECK(stored() == 0);
  order("after", {"x", 1000, "t"});
  order("set and cancel", {"x", 1000, "t"});
  CHECK(stored() == 0);
  order("every", {"e", 1000, "t"});
  n.tell(sender, agent, "cancel", "e");
  n.settle();
  CHECK(stored() == 0);
  pass(seconds(60));
  CHECK(seen().empty());
}

TEST_CASE_METHOD(timer_fixture, "a firing's turn may set its own timer again, or cancel it",
                 "[mailbox][unit]") {
  order("after", {"a", 1000, "again"});
  order("every", {"e", 1000, "end"});
  for (int i = 0; i < 3; ++i) pass(seconds(1));
  CHECK(seen() == R"(["a#1 again","e#1 end","a#1 again","a#1 again"])");
  CHECK(stored() == 1);
  n.crash();
  n.restart();
  pass(seconds(1));
  CHECK(seen() == R"(["a#1 again","e#1 end","a#1 again","a#1 again","a#1 again"])");
}

TEST_CASE_METHOD(timer_fixture, "what was missed while the node was down goes by the policy",
                 "[mailbox][unit]") {
  order("every", {"all", 40'000, "a", 2});
  order("every", {"once", 40'000, "o", 1});
  order("every", {"skip", 40'000, "s", 0});
  order("after", {"skipped", 30'000, "s", 0});
  n.stop();
  time.advance(seconds(95)); // two of each are missed; the last is 15 s late
  n.restart(false);
  n.settle();
  CHECK(seen() == R"(["all#1 a","once#1 o missed 1","skip#1 s missed 1","all#2 a"])");
  CHECK(stored() == 3);
  CHECK(logged("timer skipped") == 1);
  n.crash();
  time.advance(seconds(24)); // one second before the next
  n.restart();
  n.settle();
  CHECK(seen() == R"(["all#1 a","once#1 o missed 1","skip#1 s missed 1","all#2 a"])");
  pass(seconds(1));
  CHECK(seen() == R"(["all#1 a","once#1 o missed 1","skip#1 s missed 1","all#2 a",)"
                  R"("all#3 a","once#2 o","skip#2 s"])");
}

TEST_CASE_METHOD(timer_fixture,
                 "a firing that throws is tried again, with a dead letter at the end",
                 "[mailbox][unit]") {
  order("after", {"f", 1000, "flaky"});
  order("every", {"t", 300'000, "throw"});
  for (int i = 0; i < 4; ++i) pass(seconds(1));
  CHECK(seen() == R"(["f#1 flaky"])");
  pass(seconds(296));
  for (int i = 0; i < 10; ++i) pass(seconds(10));
  CHECK(n.dead_count() == 1);
  CHECK(logged("firing 1 of timer t (ring) failed") == n.limits.attempts_max - 1);
  auto found = n.backend->scan(store::table::ledger, keys::dead_begin(),
                               keys::end_of(keys::dead_begin()), {1});
  auto letter = records::decode<records::dead_letter>(found.value()[0].value).value();
  auto e = envelope::parse(letter.envelope).value();
  CHECK(e.from() == agent.text());
  CHECK(e.kind() == "ring");
  CHECK(as_text(e.payload()) == "throw");
  CHECK(letter.attempts == n.limits.attempts_max);
  auto entry = n.ledger(keys::received(letter.id));
  REQUIRE(entry);
  CHECK(entry->disposition == disposition::dead);
  CHECK(seen() == R"(["f#1 flaky"])");
  CHECK(stored() == 1); // it goes on
  pass(seconds(200));
  CHECK(logged("firing 2 of timer t (ring) failed") == 1);
}

TEST_CASE_METHOD(timer_fixture, "a firing whose changes cannot be kept is tried again",
                 "[mailbox][unit]") {
  order("after", {"s", 1000, "spawn badly"});
  pass(seconds(1));
  CHECK(stored() == 1);
  for (int i = 0; i < 10; ++i) pass(seconds(10));
  CHECK(seen().empty());
  CHECK(n.dead_count() == 1);
  CHECK(stored() == 0);
}

TEST_CASE_METHOD(timer_fixture, "a firing can be refused, or crash the agent", "[mailbox][unit]") {
  order("every", {"r", 1000, "refuse"});
  pass(seconds(1));
  CHECK(logged("firing 1 of timer r (ring) was refused: refused") == 1);
  CHECK(n.dead_count() == 0);
  n.tell(sender, agent, "cancel", "r");
  order("every", {"c", 1000, "crash"});
  pass(seconds(1));
  REQUIRE(n.crashed.size() == 1);
  CHECK(n.crashed[0] == std::pair(agent, std::string("crashed")));
  CHECK(n.dead_count() == 1);
  REQUIRE(n.activate(agent, false));
  n.settle();
  CHECK(n.crashed.size() == 1);
  CHECK(stored() == 1);
}

TEST_CASE_METHOD(timer_fixture,
                 "a firing that stops the process each time dies after its attempts, others live",
                 "[mailbox][unit]") {
  order("after", {"bad", 1000, "kill"});
  order("every", {"good", 1000, "g"});
  std::uint32_t kills = 0;
  killed = false;
  for (int rounds = 0; rounds < 1000 && n.dead_count() == 0; ++rounds) {
    n.turn(agent);
    if (std::exchange(killed, false)) { // nothing of that turn is synced
      ++kills;
      n.crash();
      n.restart();
    } else if (!n.sync()) {
      time.advance(milliseconds(100));
    }
  }
  CHECK(kills == n.limits.attempts_max + 1); // the first is behind no mark
  CHECK(n.dead_count() == 1);
  CHECK(logged("of timer bad (ring): the process stopped each time it was handled") == 1);
  CHECK(stored() == 1);
  pass(seconds(5));
  CHECK_FALSE(killed);
  CHECK(seen().find("good#1 g") != std::string::npos);
  CHECK(seen().find("bad") == std::string::npos);
}

TEST_CASE_METHOD(timer_fixture, "after an unclean stop what is due fires behind a synced mark",
                 "[mailbox][unit]") {
  order("every", {"e", 1000, "x"});
  auto marks = [&] {
    auto key = keys::timer(keys::of(agent), "e");
    auto found = n.backend->scan(store::table::state, key, keys::end_of(key), {1}).value();
    return records::decode_timer(found.at(0).value).value().marks;
  };
  n.crash();
  time.advance(seconds(1));
  n.restart();
  REQUIRE(n.turn(agent)); // the mark
  CHECK_FALSE(n.turn(agent));
  CHECK_FALSE(n.box(agent).next_wake()); // the sync is what it waits for
  n.sync();
  CHECK(marks() == 1);
  n.settle();
  CHECK(seen() == R"(["e#1 x"])");
  CHECK(marks() == 0);
  pass(seconds(1));
  CHECK(seen() == R"(["e#1 x","e#2 x"])");
}

TEST_CASE_METHOD(timer_fixture, "an order from outside cancels a timer, and says whether it was",
                 "[mailbox][unit]") {
  order("every", {"e", 1000, "x"});
  std::vector<bool> said;
  n.box(agent).cancel_timer({"e", [&](bool was) { said.push_back(was); }});
  n.box(agent).cancel_timer({"e", [&](bool was) { said.push_back(was); }});
  run_unsynced();
  CHECK(said.empty()); // nothing is synced
  n.settle();
  CHECK(said == std::vector<bool>{true, false});
  CHECK(stored() == 0);
  n.crash();
  n.restart();
  pass(seconds(10));
  CHECK(seen().empty());
}

TEST_CASE_METHOD(timer_fixture, "an agent that ends itself leaves no timers", "[mailbox][unit]") {
  order("every", {"e", 1000, "x"});
  order("after", {"a", 1000, "stop"});
  CHECK(stored() == 2);
  pass(seconds(1));
  CHECK(stored() == 0);
  CHECK_FALSE(n.box(agent).next_wake());
}

TEST_CASE_METHOD(timer_fixture, "the wall clock is looked at each minute, since it may be set",
                 "[mailbox][unit]") {
  order("after", {"a", 3'600'000, "x"});
  CHECK(n.box(agent).next_wake() == time.now() + seconds(60));
}

TEST_CASE_METHOD(timer_fixture, "a stored timer that does not decode ends the activation",
                 "[mailbox][unit]") {
  order("after", {"a", 3'600'000, "x"});
  n.stop();
  n.restart(false);
  store::write_batch batch;
  batch.put(store::table::state, keys::timer(keys::of(agent), "a"), bytes{9});
  REQUIRE(n.journal->submit(std::move(batch), {}));
  n.sync();
  auto again = n.activate(agent, false);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == "record_version");
}
