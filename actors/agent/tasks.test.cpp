// Handlers that are coroutines: segments, what a replay finds and what it does not do again, and
// that a handler which is not the one that wrote a journal is found out.
#include "actors/agent/task_run.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <kith/test.hpp>

namespace {

using kith::test::probe;
using namespace std::chrono_literals;

struct trip {
  std::string from;
  std::string to;
};
KITH_DESCRIBE(trip, from, to);

const std::string other = "did:example:other";
std::vector<std::string> calls; // of once, with their keys; cleared by each test

struct traveller : kith::agent {
  using agent::agent;
  void setup() override {
    on("price", [this](const trip& t, const message& m) -> kith::task<int> {
      log(level::info, "asking");
      auto flight = co_await ask<int>(other, "flight", t.to);
      visits.set(visits.get() + 1);
      tell(other, "seen", t.from);
      auto hotel = co_await ask<int>(other, "hotel", t.to, 5s);
      const int extra = hotel.value_or(1000);
      co_return flight.value() + extra + int(m.text().size() * 0) + visits.get();
    });
    on("wait", [this](int ms) -> kith::task<std::int64_t> {
      const auto began = now();
      co_await sleep(ms);
      co_await until(began + 10'000);
      co_return now() - began;
    });
    on("pay", [this](int times) -> kith::task<std::string> {
      std::string said;
      for (int i = 0; i < times; ++i)
        said += co_await once("pay", [i](std::string_view key) {
          calls.emplace_back(key);
          return std::to_string(i);
        });
      co_await sleep(1s);
      co_return said;
    });
    on("unpaid", [this]() -> kith::task<std::string> {
      try {
        co_await once("pay", []() -> int { throw std::runtime_error("no money"); });
      } catch (const kith::once_failed& e) {
        co_return e.what();
      }
      co_return "paid";
    });
    on("fresh", [this]() -> kith::task<std::string> {
      const auto number = random();
      const auto id = tell(other, "x").id();
      const auto made = spawn("worker");
      co_await sleep(1s);
      tell(other, "kept", std::to_string(number) + id.text() + made.text());
      co_await sleep(1s);
      co_return std::to_string(number) + id.text() + made.text();
    });
    set_up_joins();
  }
  void set_up_joins() {
    on("both", [this]() -> kith::task<std::string> {
      auto [a, b] = co_await kith::all(ask<std::string>(other, "a"), ask<std::string>(other, "b"));
      co_return a.value() + b.value();
    });
    on("first", [this]() -> kith::task<std::string> {
      auto either = co_await kith::any(ask<std::string>(other, "slow"), sleep(2s));
      co_await sleep(1s);
      co_return either.index() == 0 ? std::get<0>(either).value() : "too late";
    });
    on("many", [this](int n) -> kith::task<int> {
      std::vector<kith::task<int>> parts;
      for (int i = 0; i < n; ++i) parts.push_back(one(i));
      int sum = 0;
      for (int v : co_await kith::all(std::move(parts))) sum += v;
      co_return sum;
    });
    on("strict", [this]() -> kith::task<int> {
      auto a = co_await ask<int>(other, "a");
      co_return a.value();
    });
    on("breaks", [this]() -> kith::task<> {
      visits.set(10);
      co_await sleep(1s);
      visits.set(20);
      if (++tries < 3) throw std::runtime_error("not yet");
    });
    on("quick", [](int v) -> kith::task<int> { co_return v + 1; });
    on("early", [this]() -> kith::task<> {
      reply("soon");
      co_await sleep(1s);
    });
    on("visits", [this] { return visits.get(); });
    on("add", [this](int n) { visits.set(visits.get() + n); });
  }
  kith::task<int> one(int i) {
    const auto a = co_await ask<int>(other, "part", i);
    co_await sleep(i);
    co_return a.value();
  }
  int tries = 0;
  kith::durable<int> visits{*this, "visits", 0};
};

} // namespace

TEST_CASE("a handler asks, waits for the answers, and replies at its end", "[agent][unit]") {
  probe<traveller> p;
  auto t = p.ask("price", trip{"here", "there"});
  REQUIRE(t.suspended());
  CHECK_THROWS_AS(t.text(), std::logic_error);
  REQUIRE(p.sent().size() == 1);
  CHECK(p.sent()[0].kind == "flight");
  CHECK(p.sent()[0].text == "there");
  CHECK(p.stored<int>("visits").value_or(0) == 0);
  // Between its awaits others are handled.
  CHECK(p.ask("visits").as<int>() == 0);
  t = p.answer_to(0, 100);
  REQUIRE(t.suspended());
  CHECK(p.stored<int>("visits") == 1);
  REQUIRE(p.sent().size() == 3);
  CHECK(p.sent()[2].deadline_ms == p.now() + 5000);
  t = p.answer_to(2, 20);
  CHECK(t.as<int>() == 121);
  CHECK(p.suspended_count() == 0);
  CHECK(p.logged().size() == 1);
}

TEST_CASE("a restart between any two segments changes nothing that the handler does",
          "[agent][unit]") {
  for (int restarts = 0; restarts < 4; ++restarts) {
    probe<traveller> p;
    p.ask("price", trip{"here", "there"});
    if (restarts & 1) p.restart();
    p.ask("add", 7); // and what others changed meanwhile is not what it had read
    p.answer_to(0, 100);
    if (restarts & 2) p.restart();
    p.ask("add", 70);
    auto t = p.fail_answer(2, kith::ask_status::refused, "full");
    CHECK(t.as<int>() == 1100 + 78);
    CHECK(p.stored<int>("visits") == 78);
    CHECK(p.sent().size() == 3); // nothing was sent again
    CHECK(p.logged().size() == 1);
    CHECK(p.suspended_count() == 0);
  }
}

TEST_CASE("an answer that does not come is a timeout, and one that is no R says so",
          "[agent][unit]") {
  probe<traveller> p;
  p.ask("price", trip{"here", "there"});
  p.answer_to(0, 1);
  auto turns = p.advance(5000);
  REQUIRE(turns.size() == 1);
  CHECK(turns[0].as<int>() == 1002);
  p.ask("strict");
  auto t = p.answer_to(p.sent().size() - 1, "text");
  CHECK(t.refused());
  CHECK(t.reason().find("the answer:") == 0);
  CHECK(p.suspended_count() == 0);
}

TEST_CASE("time passes for a handler as it was when it began, over restarts", "[agent][unit]") {
  probe<traveller> p;
  CHECK(p.ask("wait", 300).suspended());
  CHECK(p.advance(299).empty());
  p.restart();
  auto turns = p.advance(1);
  REQUIRE(turns.size() == 1);
  CHECK(turns[0].suspended());
  p.restart();
  turns = p.advance(20'000);
  REQUIRE(turns.size() == 1);
  CHECK(turns[0].as<int>() == 10'000);
}

TEST_CASE("once in a loop has a key each time round, and a result that lasts", "[agent][unit]") {
  calls.clear();
  probe<traveller> p;
  REQUIRE(p.ask("pay", 3).suspended());
  REQUIRE(calls.size() == 3);
  CHECK(calls[0] != calls[1]);
  CHECK(calls[1] != calls[2]);
  CHECK(calls[0].size() == 32);
  p.restart();
  auto turns = p.advance(1000);
  REQUIRE(turns.size() == 1);
  CHECK(turns[0].text() == "012");
  CHECK(calls.size() == 3); // none was run again
  p.ask("pay", 1);
  CHECK(calls[3] != calls[0]); // another handler's
  CHECK(p.ask("unpaid").text() == "no money");
}

TEST_CASE("ids, random numbers and spawned agents are in a replay what they were",
          "[agent][unit]") {
  probe<traveller> p;
  p.ask("fresh");
  p.restart();
  p.advance(1000);
  p.restart();
  auto turns = p.advance(1000);
  REQUIRE(turns.size() == 1);
  REQUIRE(p.sent().size() == 2);
  CHECK(turns[0].text() == p.sent()[1].text);
  CHECK(turns[0].text().find(p.sent()[0].id.text()) != std::string::npos);
  REQUIRE(p.spawned().size() == 1);
  CHECK(turns[0].text().find(p.spawned()[0].agent.text()) != std::string::npos);
}

TEST_CASE("all waits for each, in whatever order they come, also over restarts", "[agent][unit]") {
  for (bool restarts : {false, true}) {
    probe<traveller> p;
    p.ask("both");
    REQUIRE(p.sent().size() == 2);
    CHECK(p.answer_to(1, "B").suspended());
    if (restarts) p.restart();
    CHECK(p.answer_to(0, "A").text() == "AB");

    p.ask("many", 5);
    REQUIRE(p.sent().size() == 7);
    for (int i : {4, 0, 3, 1, 2}) {
      CHECK(p.answer_to(std::size_t(2 + i), i * 10).suspended());
      if (restarts) p.restart();
    }
    auto turns = p.advance(100);
    REQUIRE(turns.size() == 5);
    CHECK(turns[4].as<int>() == 100);
  }
}

TEST_CASE("any ends with the first, and nobody waits for the others any more", "[agent][unit]") {
  for (bool restarts : {false, true}) {
    probe<traveller> p;
    p.ask("first");
    auto turns = p.advance(2000);
    REQUIRE(turns.size() == 1);
    CHECK(turns[0].suspended());
    CHECK_THROWS(p.answer_to(0, "late"));
    if (restarts) p.restart();
    turns = p.advance(1000);
    REQUIRE(turns.size() == 1);
    CHECK(turns[0].text() == "too late");

    p.ask("first");
    CHECK(p.answer_to(1, "in time").suspended());
    if (restarts) p.restart();
    turns = p.advance(5000); // the sleep that lost starts nothing
    REQUIRE(turns.size() == 1);
    CHECK(turns[0].text() == "in time");
  }
}

TEST_CASE("a segment that throws is undone alone, and tried again from the journal",
          "[agent][unit]") {
  probe<traveller> p;
  p.ask("breaks");
  CHECK(p.stored<int>("visits") == 10);
  for (int i = 0; i < 2; ++i) {
    auto turns = p.advance(1000);
    REQUIRE(turns.size() == 1);
    CHECK(turns[0].threw());
    CHECK(p.stored<int>("visits") == 10);
    CHECK(p.agent().visits.get() == 10);
  }
  auto turns = p.advance(0);
  REQUIRE(turns.size() == 1);
  CHECK(turns[0].handled());
  CHECK(p.stored<int>("visits") == 20);
}

TEST_CASE("a coroutine that awaits nothing is a handler like any other", "[agent][unit]") {
  probe<traveller> p;
  CHECK(p.ask("quick", 4).as<int>() == 5);
  CHECK(p.ask("quick", "no number").refused());
  CHECK(p.suspended_count() == 0);
  CHECK(p.ask("early").suspended());
  auto turns = p.advance(1000);
  REQUIRE(turns.size() == 1);
  CHECK(turns[0].text() == "soon");
}

namespace {

// The same handler in several releases of a program.
template <int Release> struct released : kith::agent {
  using agent::agent;
  void setup() override {
    on("go", [this]() -> kith::task<std::string> {
      if constexpr (Release == 2) co_await sleep(1);
      if constexpr (Release == 3) (void)value.get();
      if constexpr (Release == 5) co_return "at once";
      if constexpr (Release == 6) {
        if (code_version("fee", 2) >= 2) co_await sleep(1);
      }
      auto a = co_await ask<std::string>(other, Release == 4 ? "other" : "first");
      auto b = co_await ask<std::string>(other, "second");
      std::string fee;
      if constexpr (Release == 6) fee = std::to_string(code_version("late", 7));
      co_return a.value() + b.value() + fee;
    });
  }
  kith::durable<int> value{*this, "value", 0};
};

// A probe's journal is its own; to change the program under it, the instance is used as a node
// does.
struct lone_host final : kith::agent_host {
  kith::result<std::optional<kith::bytes>> load_cell(std::string_view) override {
    return std::nullopt;
  }
  kith::uuid make_id() override { return {}; }
  std::uint64_t random() override { return 4; }
  bool admits(kith::emission::type, std::size_t) override { return true; }
  kith::result<kith::did> prepare_agent(std::string_view, std::string_view) override {
    return kith::did::parse("did:example:made");
  }
  kith::result<kith::did> resolve_node(std::string_view) override {
    return kith::did::parse("did:example:node");
  }
  void log(kith::log_level, std::string_view) override {}
  const kith::timer_table& timers() const override { return none; }
  kith::timer_table none;
};

template <class Agent> struct hosted {
  lone_host host;
  kith::did self = kith::did::parse("did:example:self").value();
  std::unique_ptr<kith::agent_instance> instance =
      std::move(kith::agent_instance::create(
                    [](kith::agent_core& c) -> std::unique_ptr<kith::agent> {
                      return std::make_unique<Agent>(c);
                    },
                    {self, self, {}}, host, 1000)
                    .value());
  kith::message_fields fields() const {
    kith::message_fields f;
    f.from = f.to = &self;
    f.kind = "go";
    f.wants_answer = true;
    return f;
  }
};

// What release 1 has in its journal once its first question is answered.
std::vector<kith::records::segment> journal_of_first() {
  hosted<released<1>> h;
  std::vector<kith::records::segment> journal;
  auto& first = h.instance->run(kith::message(h.fields()), 1000);
  REQUIRE(first.handler);
  auto run = std::move(first.handler->started);
  journal.push_back(std::move(first.handler->journal));
  kith::records::step_result r;
  r.at = journal[0].begun.at(0).at;
  r.content_type = "text/plain";
  r.payload = {'A'};
  auto& second = h.instance->resume(*run, r, 2000);
  REQUIRE(second.handler);
  journal.push_back(std::move(second.handler->journal));
  return journal;
}

template <int Release> std::string replayed() {
  hosted<released<Release>> h;
  auto run = h.instance->replay(kith::message(h.fields()), journal_of_first());
  if (!run) return run.error().context;
  kith::records::step_result r;
  r.at = {"", 1};
  r.content_type = "text/plain";
  r.payload = {'B'};
  auto& last = h.instance->resume(**run, r, 3000);
  REQUIRE(last.reply);
  return last.reply->payload;
}

} // namespace

TEST_CASE("a replay that takes another way than its journal is found, and both ways are named",
          "[agent][unit]") {
  CHECK(replayed<1>() == "AB");
  CHECK(replayed<2>() == "recorded: ask first of did:example:other; now: sleep");
  CHECK(replayed<3>() == "recorded: does not read value; now: reads durable value");
  CHECK(replayed<4>() ==
        "recorded: ask first of did:example:other; now: ask other of did:example:other");
  CHECK(replayed<5>() == "recorded: ask first of did:example:other; now: its end");
}

TEST_CASE("code_version lets a handler that began before a change go its old way",
          "[agent][unit]") {
  CHECK(replayed<6>() == "AB7"); // past the first place, not past the second
}
