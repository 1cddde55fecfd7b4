// Timers whose handlers wait, and handlers that set timers: both over crashes.
#include "actors/mailbox/test_support.hpp"

#include <kith/kith.hpp>

using namespace kith;
using namespace kith::testing;
using store::table;

namespace {

std::map<std::string, int> charged; // by key; cleared by each test

struct biller : kith::agent {
  using agent::agent;
  void setup() override {
    on("start", [this] { every("bill", 1000, "bill", 5); });
    on("bill", [this](int amount, const message& m) -> kith::task<> {
      const auto n = m.timer()->n;
      co_await once("charge", [](std::string_view key) { ++charged[std::string(key)]; });
      co_await sleep(100);
      const auto id = std::string(m.timer()->id);
      log.update(
          [&](auto& l) { l.push_back(id + std::to_string(n) + ":" + std::to_string(amount)); });
      if (n == 2) cancel_timer("bill");
    });
    on("plan", [this]() -> kith::task<> {
      after("reminder", 500, "note");
      co_await sleep(100);
      const bool was = cancel_timer("reminder"), again = cancel_timer("reminder");
      co_await sleep(100);
      log.update([&](auto& l) { l.push_back(was && !again ? "cancelled" : "wrong"); });
    });
    on("doomed", [this]() -> kith::task<> {
      co_await sleep(100);
      throw std::runtime_error("doomed");
    });
    on("start doomed", [this] { after("d", 100, "doomed"); });
    on("list", [this]() -> kith::task<> {
      co_await sleep(1);
      (void)timers();
    });
    on("note", [this] { log.update([](auto& l) { l.push_back("noted"); }); });
  }
  kith::durable<std::vector<std::string>> log{*this, "log"};
};
KITH_AGENT(biller);

struct billed_world : test_world {
  billed_world() { charged.clear(); }
  did from = a.spawn("recorder");
  did b = a.spawn("biller");
  void order(std::string kind) {
    a.tell(from, b, std::move(kind), "");
    a.settle();
  }
  // Lets time pass, a little at a time; the process dies each time if told so.
  void pass(std::int64_t ms, bool crashing) {
    for (std::int64_t t = 0; t < ms; t += 50) {
      time.advance(std::chrono::milliseconds(50));
      a.settle();
      if (!crashing) continue;
      a.crash();
      a.restart();
      a.settle();
    }
  }
  std::string log() { return a.cell(b, "log"); }
};

} // namespace

TEST_CASE("a timer's handler may wait, and a crash repeats nothing of it", "[mailbox][unit]") {
  for (bool crashing : {false, true}) {
    billed_world w;
    w.order("start");
    w.pass(5000, crashing);
    CHECK(w.log() == R"(["bill1:5","bill2:5"])");
    CHECK(charged.size() == 2);
    for (const auto& [key, times] : charged) CHECK(times == 1);
    CHECK(w.a.count(table::state, {'e'}) == 0);
    CHECK(w.a.count(table::state, {'j'}) == 0);
    CHECK(w.a.count(table::state, {'t'}) == 0);
    CHECK(w.a.dead_count() == 0);
  }
}

TEST_CASE("a handler that waits sets and cancels timers, also when it is run again",
          "[mailbox][unit]") {
  for (bool crashing : {false, true}) {
    billed_world w;
    w.order("plan");
    w.pass(2000, crashing);
    CHECK(w.log() == R"(["cancelled"])");
    CHECK(w.a.dead_count() == 0);
  }
}

TEST_CASE("a timer's handler that fails in a later segment is a dead letter", "[mailbox][unit]") {
  billed_world w;
  w.order("start doomed");
  w.pass(10'000, false);
  CHECK(w.a.dead_count() == 1);
  CHECK(w.a.count(table::state, {'t'}) == 0);
}

TEST_CASE("a handler that waits may not list its timers", "[mailbox][unit]") {
  billed_world w;
  w.order("list");
  w.pass(10'000, false);
  CHECK(w.a.dead_count() == 1);
}
