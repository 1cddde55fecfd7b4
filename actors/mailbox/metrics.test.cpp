// What a mailbox counts, and that each series moves when the thing happens.
#include "actors/mailbox/test_support.hpp"

using namespace kith;
using namespace kith::testing;
using std::chrono::milliseconds;

namespace {

std::uint64_t disposed(test_node& n, const std::string& how) {
  return n.metrics.count("kith_dispositions_total", {{"type", "recorder"}, {"disposition", how}})
      .value();
}
std::uint64_t dead(test_node& n, const std::string& why) {
  return n.metrics.count("kith_dead_letters_total", {{"type", "recorder"}, {"reason", why}})
      .value();
}
std::uint64_t turns(test_node& n) {
  return n.metrics.distribution("kith_turn_seconds", observe::times, {{"type", "recorder"}})
      .count();
}

} // namespace

TEST_CASE("a turn is timed from its beginning to its end, and chained ones by their ends",
          "[mailbox][unit]") {
  manual_clock time;
  observe::registry all;
  mailbox_series series(all, "t");
  agent_meter meter(std::make_shared<actor_gate>());
  turn_watch watch(time);
  {
    run_tally tally(series, meter, time);
    time.advance(milliseconds(50)); // nothing runs
    {
      const noted_turn noted(&watch, &tally, "one");
      CHECK(watch.now().since == time.now());
      time.advance(milliseconds(2));
    }
    time.advance(milliseconds(50));
    tally.chain();
    for (int i = 0; i < 3; ++i) {
      const noted_turn noted(nullptr, &tally, "three");
      time.advance(milliseconds(10));
    }
    tally.unchain();
    CHECK(series.turns.count() == 0); // only at the end of the step
  }
  CHECK(series.turns.count() == 4);
  CHECK(series.turns.sum() == 32'000'000);
  CHECK(series.turns.read()[series.turns.bucket_of(10'000'000)] == 3);
  CHECK(meter.turns == 4);
  CHECK(meter.busy_ns == 32'000'000);
}

TEST_CASE("dispositions and dead letters are counted by type, and these by their reason",
          "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  w.a.tell(from, to, "note", "x");
  w.a.settle();
  CHECK(disposed(w.a, "handled") == 1);
  CHECK(turns(w.a) == 1);
  CHECK(w.a.meters.at(to)->turns == 1);
  CHECK(w.a.meters.at(from)->turns == 0);

  w.a.tell(from, to, "no", "x");
  w.a.settle();
  CHECK(disposed(w.a, "refused") == 1);
  CHECK(disposed(w.a, "handled") == 2); // the notice that it was refused

  w.a.tell(from, to, "crash", "x");
  w.a.settle();
  CHECK(disposed(w.a, "dead") == 1);
  CHECK(dead(w.a, "crashed") == 1);
  CHECK(dead(w.a, "failed") == 0);

  auto other = w.a.spawn("recorder");
  w.a.tell(from, other, "break", "x");
  w.a.settle();
  while (w.a.dead_count() < 2) {
    w.time.advance(w.a.limits.retry_delay_max);
    w.a.settle();
  }
  CHECK(disposed(w.a, "dead") == 2);
  CHECK(dead(w.a, "failed") == 1);
}

TEST_CASE("what expired is counted apart", "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.b.spawn("recorder");
  w.a.tell(from, from, "brief", order(to, "note", "late"), json_type);
  w.a.settle();
  REQUIRE(w.wire.size() == 1);
  auto f = w.wire.front();
  w.wire.clear();
  REQUIRE(w.deliver(f));
  w.time.advance(std::chrono::seconds(2));
  w.b.settle();
  CHECK(disposed(w.b, "expired") == 1);
}

TEST_CASE("the meter of an agent says what waits, since when, and what is suspended",
          "[mailbox][unit]") {
  test_world w;
  auto from = w.a.spawn("recorder"), to = w.a.spawn("recorder");
  const auto made = w.time.wall();
  w.a.tell(from, to, "break", "x");
  w.a.tell(from, to, "note", "y");
  w.a.settle();
  auto& meter = *w.a.meters.at(to);
  CHECK(meter.waiting == 2);
  CHECK(meter.oldest == made);
  while (w.a.dead_count() == 0) {
    w.time.advance(w.a.limits.retry_delay_max);
    w.a.settle();
  }
  CHECK(meter.waiting == 0);
  CHECK(meter.oldest == 0);
}

TEST_CASE("what waits in front of a mailbox counts as waiting", "[mailbox][unit]") {
  agent_meters all;
  auto gate = std::make_shared<actor_gate>();
  auto meter = std::make_shared<agent_meter>(gate);
  const auto who = did::parse("did:example:a").value();
  all.add(who, "t", "n", meter);
  meter->waiting = 2;
  REQUIRE(gate->enter(10, 3));
  std::vector<agent_meters::reading> seen;
  const auto read = [&] {
    seen.clear();
    all.each([&](const agent_meters::reading& r) { seen.push_back(r); });
  };
  read();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].waiting == 5);
  CHECK(seen[0].type == "t");
  gate = std::make_shared<actor_gate>(); // of another life
  all.add(who, "t", "n", std::make_shared<agent_meter>(gate));
  read();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].waiting == 0);
  all.remove(who);
  read();
  CHECK(seen.empty());
}
