// Timers as an agent's author sees them, through the probe; and the table behind them.
#include "actors/agent/timer_table.hpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

namespace {

using kith::test::probe_base;

struct timer_order {
  std::string id;
  std::int64_t ms = 0;
  std::string text;
  std::string cron;
  std::string zone;
  int missed = 1;
};
KITH_DESCRIBE(timer_order, id, ms, text, cron, zone, missed);

// Does with timers what it is told, and remembers their firings.
struct clockwork : kith::agent {
  using agent::agent;
  void setup() override {
    on("after", [this](const timer_order& o) { after(o.id, o.ms, "fired", o.text, options(o)); });
    on("at", [this](const timer_order& o) { at(o.id, o.ms, "fired", o.text, options(o)); });
    on("every", [this](const timer_order& o) { every(o.id, o.ms, "fired", o.text, options(o)); });
    on("cron",
       [this](const timer_order& o) { cron(o.id, o.cron, o.zone, "fired", o.text, options(o)); });
    on("half a minute", [this] { after("half", std::chrono::seconds(30), "fired"); });
    on("cancel", [this](const std::string& id) { return cancel_timer(id); });
    on("list", [this] {
      std::vector<std::string> all;
      for (const auto& t : timers()) all.push_back(t.id + " " + t.schedule);
      return all;
    });
    on("set and throw", [this](const timer_order& o) {
      after(o.id, o.ms, "fired", o.text);
      cancel_timer("kept");
      throw std::runtime_error("no");
    });
    on("two faces", [this] {
      after("a", 1000, "fired", "first");
      after("a", 2000, "fired", "second");
      after("b", 1000, "fired");
      return cancel_timer("b") && !cancel_timer("b") && !cancel_timer("never was");
    });
    on("many", [this](int count) {
      for (int i = 0; i < count; ++i) after("n" + std::to_string(i), 1000, "fired");
      cancel_timer("n0");
      after("one more", 1000, "fired");
      after("one more", 2000, "fired");
    });
    on("too many", [this](int count) {
      for (int i = 0; i < count; ++i) after("n" + std::to_string(i), 1000, "fired");
    });
    on("large",
       [this](int size) { after("l", 1000, "fired", std::string(std::size_t(size), 'x')); });
    on("no handler", [this] { after("x", 1000, "who?"); });
    on("no id", [this] { after("", 1000, "fired"); });
    on("fired", [this](const std::string& text, const message& m) { fired(text, m); });
  }
  void fired(const std::string& text, const message& m) {
    REQUIRE(m.timer() != nullptr);
    CHECK(m.from() == self());
    CHECK(m.created_ms() == m.timer()->due_ms);
    ids.insert(m.id());
    auto line = std::string(m.timer()->id) + "#" + std::to_string(m.timer()->n) + "@" +
                std::to_string(m.timer()->due_ms - probe_base::start_ms) + " " + text;
    if (m.timer()->missed > 0) line += " missed " + std::to_string(m.timer()->missed);
    seen.update([&](auto& s) { s.push_back(line); });
    if (text == "throw") throw std::runtime_error("thrown");
    if (text == "refuse") refuse("refused");
    if (text == "again") after(m.timer()->id, 500, "fired", "again");
    if (text == "no more") cancel_timer(m.timer()->id);
  }
  kith::timer_options options(const timer_order& o) { return {kith::missed(o.missed)}; }

  std::set<kith::uuid> ids; // of firings in this life
  kith::durable<std::vector<std::string>> seen{*this, "seen"};
};

struct fixture {
  kith::test::probe<clockwork> p;
  using lines = std::vector<std::string>;
  lines seen() { return p.agent().seen.get(); }
  void order(const char* kind, const timer_order& o) {
    auto t = p.tell(kind, o);
    INFO(t.reason());
    REQUIRE(t.handled());
  }
  std::string refusal(const char* kind, const timer_order& o) {
    auto t = p.tell(kind, o);
    CHECK(t.refused());
    return t.reason();
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "a timer set for later fires once, with its payload, number and time",
                 "[agent][unit]") {
  order("after", {"tea", 30'000, "is ready"});
  REQUIRE(p.timers().size() == 1);
  CHECK(p.timers()[0].id == "tea");
  CHECK(p.timers()[0].kind == "fired");
  CHECK(p.timers()[0].schedule == "once");
  CHECK(p.timers()[0].due_ms == probe_base::start_ms + 30'000);
  CHECK(p.advance(29'999).empty());
  p.restart();
  CHECK(p.advance(1).size() == 1);
  CHECK(seen() == lines{"tea#1@30000 is ready"});
  CHECK(p.timers().empty());
  CHECK(p.advance(1'000'000).empty());
  CHECK(p.tell("half a minute").handled());
  CHECK(p.advance(30'000).size() == 1);
  order("at", {"past", 5, "at once"});
  CHECK(p.advance(0).size() == 1);
  CHECK(seen().back() == "past#1@1060000 at once");
}

TEST_CASE_METHOD(fixture, "a timer fires at its distances until it is cancelled", "[agent][unit]") {
  order("every", {"tick", 1000, "t"});
  CHECK(p.advance(3500).size() == 3);
  CHECK(seen() == lines{"tick#1@1000 t", "tick#2@2000 t", "tick#3@3000 t"});
  CHECK(p.agent().ids.size() == 3);
  CHECK(p.timers()[0].fired == 3);
  CHECK(p.timers()[0].schedule == "every 1000 ms");
  CHECK(p.ask("cancel", "tick").as<bool>() == true);
  CHECK(p.ask("cancel", "tick").as<bool>() == false);
  CHECK(p.advance(10'000).empty());
}

TEST_CASE_METHOD(fixture, "a timer fires by cron, in its time zone", "[agent][unit]") {
  // The probe begins on 14 November 2023, 22:13:20 UTC: 23:13:20 in Berlin.
  order("cron", {"day", 0, "good morning", "0 9 * * MON-FRI", "Europe/Berlin"});
  CHECK(p.timers()[0].schedule == "0 9 * * MON-FRI Europe/Berlin");
  CHECK(p.advance(4LL * 24 * 3600 * 1000).size() == 3); // Wednesday to Friday
  CHECK(seen()[0] == "day#1@" + std::to_string((9 * 3600 + 46 * 60 + 40) * 1000) + " good morning");
}

TEST_CASE_METHOD(fixture, "setting a timer again replaces it, in one turn too", "[agent][unit]") {
  CHECK(p.ask("two faces").as<bool>() == true);
  CHECK(p.timers().size() == 1);
  CHECK(p.advance(5000).size() == 1);
  CHECK(seen() == lines{"a#1@2000 second"});
  order("every", {"e", 1000, "old"});
  p.advance(2000);
  order("every", {"e", 700, "new"});
  p.advance(700);
  CHECK(seen().back() == "e#1@7700 new"); // it counts anew
  CHECK(p.timers()[0].fired == 1);
}

TEST_CASE_METHOD(fixture, "a turn that throws sets and cancels nothing", "[agent][unit]") {
  order("after", {"kept", 1000, "k"});
  CHECK(p.tell("set and throw", timer_order{"x", 1000, ""}).threw());
  CHECK(p.ask("list").as<lines>() == lines{"kept once"});
  CHECK(p.advance(1000).size() == 1);
  CHECK(seen() == lines{"kept#1@1000 k"});
}

TEST_CASE_METHOD(fixture, "a firing's handler may set its timer again, or end it",
                 "[agent][unit]") {
  order("after", {"a", 1000, "again"});
  p.advance(2000);
  CHECK(seen() == lines{"a#1@1000 again", "a#1@1500 again", "a#1@2000 again"});
  CHECK(p.agent().ids.size() == 3);
  p.tell("cancel", "a");
  order("every", {"e", 100, "no more"});
  p.advance(1000);
  CHECK(seen().back() == "e#1@2100 no more");
  CHECK(p.timers().empty());
}

TEST_CASE_METHOD(fixture,
                 "a firing that throws is tried again and not for ever, one refused is not",
                 "[agent][unit]") {
  order("every", {"t", 60'000, "throw"});
  auto turns = p.advance(119'000);
  CHECK(turns.size() == 5);
  for (const auto& t : turns) CHECK(t.threw());
  CHECK(p.agent().ids.size() == 1); // the same firing
  CHECK(p.timers()[0].fired == 1);
  CHECK(p.timers()[0].due_ms == probe_base::start_ms + 120'000);
  p.tell("cancel", "t");
  order("after", {"r", 1000, "refuse"});
  CHECK(p.advance(100'000).size() == 1);
  CHECK(seen().empty());
}

TEST_CASE_METHOD(fixture, "what makes no sense is refused, and says why", "[agent][unit]") {
  CHECK(refusal("every", {"e", 99}).find("at least 100 ms") != std::string::npos);
  CHECK(refusal("every", {"e", -5}).find("at least 100 ms") != std::string::npos);
  CHECK(refusal("every", {"e", INT64_MAX}).find("9999") != std::string::npos);
  CHECK(refusal("at", {"a", INT64_MAX}).find("9999") != std::string::npos);
  CHECK(refusal("after", {"a", INT64_MAX}).find("9999") != std::string::npos);
  CHECK(refusal("cron", {"c", 0, "", "0 9 * *", "UTC"}).starts_with("timer c: 5 fields"));
  CHECK(refusal("cron", {"c", 0, "", "0 9 * * *", "Mars"}).find("no time zone Mars") !=
        std::string::npos);
  CHECK(refusal("cron", {"c", 0, "", "0 0 30 2 *", "UTC"}) == "timer c: its time never comes");
  auto large = p.tell("large", (64 << 10) + 1);
  CHECK(large.refused());
  CHECK(large.reason() == "timer l: its payload is larger than 64 KiB");
  CHECK(p.tell("large", 64 << 10).handled());
  CHECK(p.tell("no handler").threw());
  CHECK(p.tell("no id").threw());
  p.tell("cancel", "l");
  CHECK(p.timers().empty());
}

TEST_CASE_METHOD(fixture, "an agent has at most 1000 timers", "[agent][unit]") {
  CHECK(p.tell("too many", 1001).refused());
  CHECK(p.tell("many", 1000).handled());
  CHECK(p.timers().size() == 1000);
  auto t = p.tell("after", timer_order{"another", 1000, ""});
  CHECK(t.refused());
  CHECK(t.reason().find("at most 1000 timers") != std::string::npos);
  order("after", {"n7", 5000, "replaces"});
  CHECK(p.timers().size() == 1000);
}

TEST_CASE_METHOD(fixture, "what was missed is left out, fires once, or fires all",
                 "[agent][unit]") {
  order("every", {"skip", 40'000, "s", "", "", 0});
  order("every", {"once", 40'000, "o", "", "", 1});
  order("every", {"all", 40'000, "a", "", "", 2});
  order("after", {"late", 1000, "l", "", "", 0});
  order("after", {"kept", 1000, "k", "", "", 1});
  auto turns = p.restart_after(140'000); // 40, 80, 120 s
  CHECK(turns.size() == 6);
  auto s = seen();
  std::sort(s.begin(), s.end());
  // The last one of `skip` is 20 s late, which is not too late.
  CHECK(s == lines{"all#1@40000 a", "all#2@80000 a", "all#3@120000 a", "kept#1@1000 k",
                   "once#1@120000 o missed 2", "skip#1@120000 s missed 2"});
  CHECK(p.timers().size() == 3);
  p.advance(20'000);
  CHECK(seen().size() == 9);
  for (const auto& id : {"all", "once"}) p.tell("cancel", id);
  p.tell("cancel", "skip");
  order("every", {"skip", 600'000, "s", "", "", 0});
  CHECK(p.restart_after(700'000).empty()); // 100 s late
  CHECK(p.timers()[0].fired == 0);
  CHECK(p.advance(500'000).size() == 1);
  CHECK(seen().back().starts_with("skip#1@"));
}

TEST_CASE_METHOD(fixture, "of more than a thousand that were missed the last thousand fire",
                 "[agent][unit]") {
  order("every", {"e", 1000, "", "", "", 2});
  auto turns = p.restart_after(1'500'000);
  CHECK(turns.size() == 1000);
  CHECK(seen().front() == "e#1@501000  missed 500");
  CHECK(seen()[1] == "e#2@502000 ");
  CHECK(seen().back() == "e#1000@1500000 ");
}

TEST_CASE_METHOD(fixture, "a test fires a timer before its time", "[agent][unit]") {
  order("every", {"e", 1000, "x"});
  CHECK(p.fire_timer("e").handled());
  CHECK(seen() == lines{"e#1@1000 x"});
  p.advance(1000); // that one was it
  CHECK(seen().size() == 1);
  CHECK_THROWS_AS(p.fire_timer("f"), std::logic_error);
}

TEST_CASE("a timer whose zone is gone does not fire, and says why", "[agent][unit]") {
  kith::timer_table all;
  kith::records::timer_record r;
  r.id = "t";
  r.kind = "k";
  r.when = {kith::schedule_type::cron, 0, 0, "* * * * *", "Old/Town"};
  r.due = 1000;
  auto& e = all.set(r);
  CHECK(e.problem.find("Old/Town") != std::string::npos);
  CHECK(all.next_due(5000, {}) == nullptr);
  CHECK_FALSE(all.due_in(0, {}));
  CHECK(kith::timer_table::describe(e.record, e.problem).due_ms == 0);
  CHECK(all.cancel("t"));
}

TEST_CASE("the earliest timer comes first, and those put off wait", "[agent][unit]") {
  kith::timer_table all;
  auto add = [&](const char* id, kith::wall_ms due) -> kith::timer_table::entry& {
    kith::records::timer_record r;
    r.id = id;
    r.kind = "k";
    r.when.first = r.due = due;
    return all.set(r);
  };
  const auto now = kith::time_point{} + std::chrono::hours(1);
  auto& late = add("late", 3000);
  auto& soon = add("soon", 2000);
  CHECK(all.due_in(500, now) == std::chrono::milliseconds(1500));
  CHECK(all.due_in(2500, now) == kith::duration(0));
  CHECK(all.next_due(1999, now) == nullptr);
  CHECK(all.next_due(9000, now) == &soon);
  all.defer(soon, now + std::chrono::seconds(7));
  CHECK(all.next_due(9000, now) == &late);
  all.defer(late, kith::time_point::max());
  CHECK(all.next_due(9000, now) == nullptr);
  CHECK(all.due_in(9000, now) == std::chrono::seconds(7));
  CHECK(all.next_due(9000, now + std::chrono::seconds(7)) == &soon);
  CHECK_FALSE(all.consume(soon, all.judge(soon, 9000)));
  CHECK_FALSE(all.due_in(9000, now));
  all.defer(late, now);
  CHECK(all.next_due(9000, now) == &late);
  CHECK(all.cancel("late"));
  CHECK(all.count() == 0);
  CHECK(all.next_due(9000, now) == nullptr);
}

TEST_CASE("a clock that is set back fires no time twice, one set forward makes late what it passes",
          "[agent][unit]") {
  kith::timer_table all;
  kith::records::timer_record r;
  r.id = "t";
  r.kind = "k";
  r.when = {kith::schedule_type::every, 10'000, 10'000, {}, {}};
  r.due = 10'000;
  auto& e = all.set(r);
  const auto now = kith::time_point{} + std::chrono::hours(1);
  REQUIRE(all.next_due(10'000, now) == &e);
  CHECK(all.consume(e, all.judge(e, 10'000)));
  CHECK(all.next_due(5'000, now) == nullptr); // set back
  CHECK(all.due_in(5'000, now) == std::chrono::seconds(15));
  CHECK(all.next_due(10'000, now) == nullptr);
  REQUIRE(all.next_due(1'000'000, now) == &e); // set forward
  const auto late = all.judge(e, 1'000'000);
  CHECK(late.number == 2);
  CHECK(late.due == 1'000'000);
  CHECK(late.missed == 98);
  CHECK(all.consume(e, late));
  CHECK(all.next_due(500'000, now) == nullptr);
  CHECK(all.due_in(500'000, now) == std::chrono::seconds(510));
}
