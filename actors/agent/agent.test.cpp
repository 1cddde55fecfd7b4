// Turns: what a handler may take, return, send and throw, and that a turn is all or nothing.
#include "actors/agent/host.hpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

namespace {

using kith::test::probe;

struct point {
  int x = 0;
  int y = 0;
};
KITH_DESCRIBE(point, x, y);

struct greeter : kith::agent {
  using agent::agent;
  void setup() override {
    advertise("greet", "Greets a person by name");
    on("greet", [this](const std::string& who) {
      visits.set(visits.get() + 1);
      return "hello, " + who;
    });
  }
  kith::durable<int> visits{*this, "visits", 0};
};

int freely(int v) { return v + 1; }

// A handler of every shape.
struct shapes : kith::agent {
  using agent::agent;
  void setup() override {
    on("none", [] { return 1; });
    on("message",
       [](const message& m) { return std::string(m.text()) + "/" + std::string(m.kind()); });
    on("both",
       [](std::string_view text, const message& m) { return std::string(text) + m.from().text(); });
    on("int", [](int v) { return v * 2; });
    on("mutable", [n = 0]() mutable noexcept { return ++n; });
    on("function", &freely);
    on("std_function", std::function<int(int)>(freely));
    on("member", this, &shapes::member);
    on("point", [](const point& p) { return point{p.y, p.x}; });
    on("moved", [](std::vector<point>&& p) { return p.size(); });
    on("json", [](const json& v) { return v["a"]; });
    on("shape", [](const json& v) { return v.at("a").as_int(); });
    on("nothing", [](int) {});
    on("bytes", [](const kith::bytes& b) { return b; });
    on("explicit", [this](int v) { reply(v + 1); });
    on("twice", [this] { reply(1), reply(2); });
    on("both_ways", [this] { return reply(1), 2; });
  }
  std::string member(const std::string& v) { return v + "!"; }
};

struct sender : kith::agent {
  using agent::agent;
  void setup() override {
    on("fail", [this](const std::string& how) {
      count.set(count.get() + 1);
      list.update([](auto& l) { l.push_back(1); });
      tell("did:example:other", "hello", "x");
      spawn("worker");
      stop();
      if (how == "refuse") refuse("not today");
      if (how == "throw") throw std::runtime_error("broken");
      if (how == "other") throw 5;
      if (how == "no_did") tell("nobody", "hello");
      if (how == "no_handler") ask("did:example:other", "hello", 1, then{"nowhere"});
      if (how == "late_on") on("x", [] {});
      if (how == "long_kind") tell(self(), std::string(256, 'k'));
      if (how == "large") tell(self(), "k", std::string((16 << 20) + 1, 'x'));
      if (how == "swallow") {
        try {
          refuse("let me out");
        } catch (const std::exception&) {
        }
      }
    });
    on("flood", [this](int n) {
      for (int i = 0; i < n; ++i) tell(self(), "k");
    });
    on("bulk", [this](int mebibytes) {
      for (int i = 0; i < mebibytes; ++i) tell(self(), "k", std::string(1 << 20, 'x'));
    });
    on("garble", [this](const std::string& v) { text.set(v); });
    on("send", [this](const message& m) {
      auto sent = tell(m.from(), "back", point{1, 2}, {kith::qos::at_most_once, 500});
      return sent.overloaded() ? "overloaded" : sent.id().text();
    });
    on("ask", [this](const std::string& to) {
      auto id =
          ask(to, "question", 42, then{"answered"}, {.deadline_ms = 1000, .context = "ctx"}).id();
      asked.set(id.text());
    });
    on_answer("answered", [this](const answer& a) {
      count.set(a.as<int>().value_or(-1));
      text.set(std::string(to_string(a.status())) + ":" + std::string(a.reason()) + ":" +
               std::string(a.context()) + ":" +
               (a.request_id().text() == asked.get() ? "same" : "other") + ":" + a.from().text());
      if (count.get() == 13) throw std::runtime_error("unlucky");
    });
    on("spawn", [this](const std::string& type) { return spawn(type, "ann"); });
    on("spawn_on", [this](const std::string& node) { spawn_on(node, "worker", then{"answered"}); });
    on("stop", [this] { stop(); });
    on("time", [this] { return now(); });
    on("chance", [this] { return random(); });
    on("log", [this] { log(level::info, "line"); });
  }
  kith::durable<int> count{*this, "count", 0};
  kith::durable<std::vector<int>> list{*this, "list"};
  kith::durable<std::string> text{*this, "text"};
  kith::durable<std::string> asked{*this, "asked"};
};

} // namespace

TEST_CASE("an agent greets and counts", "[agent][unit]") {
  probe<greeter> p;
  CHECK(p.ask("greet", "Ada").text() == "hello, Ada");
  CHECK(p.tell("greet", kith::json("Eve")).handled());
  CHECK(p.agent().visits.get() == 2);
  p.restart();
  CHECK(p.agent().visits.get() == 2);
  CHECK(p.stored<int>("visits") == 2);
}

TEST_CASE("a handler takes every shape that is documented", "[agent][unit]") {
  probe<shapes> p;
  CHECK(p.ask("none").as<int>() == 1);
  CHECK(p.ask("message", "hi").text() == "hi/message");
  CHECK(p.ask("both", "hi").text() == "hidid:example:sender");
  CHECK(p.ask("int", 21).as<int>() == 42);
  p.ask("mutable");
  CHECK(p.ask("mutable").as<int>() == 2);
  CHECK(p.ask("function", 1).as<int>() == 2);
  CHECK(p.ask("std_function", 1).as<int>() == 2);
  CHECK(p.ask("member", "x").text() == "x!");
  CHECK(p.ask("point", point{1, 2}).as<point>()->x == 2);
  CHECK(p.ask("moved", std::vector<point>(3)).as<int>() == 3);
  CHECK(p.ask("json", kith::json().set("a", "b")).as<std::string>() == "b");
  CHECK(p.ask("bytes", kith::bytes{0, 1}).as<kith::bytes>() == kith::bytes{0, 1});
}

TEST_CASE("a handler that returns nothing replies nothing, or what it replied", "[agent][unit]") {
  probe<shapes> p;
  CHECK(p.ask("nothing", 1).text().empty());
  CHECK(p.ask("nothing", 1).content_type() == "text/plain");
  CHECK(p.ask("explicit", 1).as<int>() == 2);
  CHECK(p.tell("explicit", 1).text().empty());
  CHECK(p.tell("int", 1).text().empty());
  CHECK(p.ask("twice").threw());
  CHECK(p.ask("both_ways").threw());
  CHECK(p.tell("twice").handled());
}

TEST_CASE("what does not decode is refused with the reason", "[agent][unit]") {
  probe<shapes> p;
  CHECK(p.ask("dance").reason() == "no handler for kind dance");
  CHECK(p.ask("point", kith::json().set("y", 1)).reason() ==
        "payload of point: expected an object with member x");
  CHECK(p.ask("int", "5").reason() == "payload of int: expected application/json");
  CHECK(p.ask("int", 1e3).reason() == "payload of int: expected an integer");
  CHECK(p.ask("int", 1LL << 40).refused());
  CHECK(p.ask("shape", kith::json().set("b", 1)).reason() == "expected an object with member a");
  CHECK(p.ask("shape", kith::json().set("a", "x")).refused());
  CHECK(p.ask_raw("json", "application/json", std::string(100'000, '[')).refused());
  CHECK(p.ask_raw("json", "application/json", R"({"a":1,"a":2})").refused());
  CHECK(p.ask_raw("int", "image/png", "5").refused());
  CHECK(p.ask("int", 1).handled());
}

TEST_CASE("a turn that throws or refuses leaves nothing behind", "[agent][unit]") {
  probe<sender> p;
  REQUIRE(p.ask("fail", "not at all").handled());
  REQUIRE(p.sent().size() == 1);
  REQUIRE(p.stopped());

  probe<sender> q;
  auto expect = [&](const char* how, bool refused, const std::string& reason) {
    INFO(how);
    auto t = q.ask("fail", how);
    CHECK(t.refused() == refused);
    CHECK(t.threw() == !refused);
    CHECK_THAT(t.reason(), Catch::Contains(reason));
    CHECK_THROWS_AS(t.text(), std::logic_error);
    CHECK(q.agent().count.get() == 0);
    CHECK(q.agent().list.get().empty());
    CHECK(q.cells().empty());
    CHECK(q.sent().empty());
    CHECK(q.spawned().empty());
    CHECK_FALSE(q.stopped());
  };
  expect("refuse", true, "not today");
  expect("swallow", true, "let me out");
  expect("no_did", true, "bad_did");
  expect("throw", false, "broken");
  expect("other", false, "no std::exception");
  expect("no_handler", false, "no on_answer(\"nowhere\")");
  expect("late_on", false, "setup()");
  expect("long_kind", false, "255");
  expect("large", false, "16 MiB");
}

TEST_CASE("a failed turn restores what the turns before it made", "[agent][unit]") {
  probe<sender> p;
  p.tell("ask", "did:example:x");
  REQUIRE(p.answer_to(0, 7).handled());
  REQUIRE(p.agent().count.get() == 7);
  CHECK(p.ask("fail", "throw").threw());
  CHECK(p.agent().count.get() == 7);
  CHECK(p.stored<int>("count") == 7);
}

TEST_CASE("text that is not UTF-8 cannot become durable, and the turn is refused",
          "[agent][unit]") {
  probe<sender> p;
  p.tell("garble", "fine");
  CHECK(p.ask("garble", "\xff").reason() == "text is not UTF-8");
  CHECK(p.agent().text.get() == "fine");
  p.restart();
  CHECK(p.agent().text.get() == "fine");
}

TEST_CASE("a turn emits up to its limits and not more", "[agent][unit]") {
  probe<sender> p;
  CHECK(p.tell("flood", 100'000).handled());
  CHECK(p.sent().size() == 100'000);
  p.clear_sent();
  CHECK(p.tell("flood", 100'001).threw());
  CHECK(p.tell("bulk", 60).handled());
  p.clear_sent();
  CHECK(p.tell("bulk", 64).threw());
  CHECK(p.sent().empty());
}

TEST_CASE("a tell carries what it was given", "[agent][unit]") {
  probe<sender> p;
  auto id = p.ask("send").text();
  REQUIRE(p.sent().size() == 1);
  const auto& s = p.sent()[0];
  CHECK_FALSE(s.is_ask);
  CHECK(s.to == p.sender());
  CHECK(s.kind == "back");
  CHECK(s.text == R"({"x":1,"y":2})");
  CHECK(s.content_type == "application/json");
  CHECK(s.qos == kith::qos::at_most_once);
  CHECK(s.time_to_live_ms == 500);
  CHECK(s.id.text() == id);
  p.overload(true);
  CHECK(p.ask("send").text() == "overloaded");
  CHECK(p.sent().size() == 1);
}

TEST_CASE("the answer to an ask runs the handler that it named, also after a restart",
          "[agent][unit]") {
  probe<sender> p;
  p.tell("ask", "did:example:oracle");
  REQUIRE(p.sent().size() == 1);
  CHECK(p.sent()[0].is_ask);
  CHECK(p.sent()[0].as<int>() == 42);
  CHECK(p.sent()[0].then == "answered");
  p.restart();
  CHECK(p.answer_to(p.sent()[0].id, 5).handled());
  CHECK(p.agent().count.get() == 5);
  CHECK(p.agent().text.get() == "ok::ctx:same:did:example:oracle");
  CHECK_THROWS_AS(p.answer_to(0, 5), std::logic_error);
  CHECK_THROWS_AS(p.answer_to(1, 5), std::logic_error);
}

TEST_CASE("an ask that fails says how", "[agent][unit]") {
  probe<sender> p;
  p.tell("ask", "did:example:x");
  p.fail_answer(0, kith::ask_status::refused, "no");
  CHECK(p.agent().text.get() == "refused:no:ctx:same:did:example:x");
  CHECK(p.agent().count.get() == -1);
  p.tell("ask", "did:example:x");
  CHECK(p.advance(999).empty());
  CHECK(p.advance(1).size() == 1);
  CHECK(p.agent().text.get().starts_with("timeout:"));
  p.tell("ask", "did:example:x");
  CHECK(p.answer_to(2, 13).threw());
  CHECK(p.agent().count.get() == -1);
}

TEST_CASE("an agent spawns, stops, logs and tells the time of its turn", "[agent][unit]") {
  probe<sender> p;
  auto made = p.ask("spawn", "worker").as<std::string>();
  REQUIRE(p.spawned().size() == 1);
  CHECK(p.spawned()[0].agent.text() == made);
  CHECK(p.spawned()[0].type == "worker");
  CHECK(p.spawned()[0].name == "ann");
  p.tell("spawn_on", "n2");
  CHECK(p.sent().back().kind == "kith.spawn");
  CHECK(p.sent().back().as<kith::json>()->at("type").as_string() == "worker");
  CHECK(p.ask("time").as<std::int64_t>() == p.now());
  CHECK(p.ask("chance").as<std::uint64_t>() != p.ask("chance").as<std::uint64_t>());
  p.tell("log");
  CHECK(p.logged() == std::vector<std::string>{"line"});
  p.tell("stop");
  CHECK(p.stopped());
  CHECK_THROWS_AS(p.tell("log"), std::logic_error);
}
