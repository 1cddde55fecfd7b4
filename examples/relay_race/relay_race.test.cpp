#include "examples/relay_race/relay_race.cpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

using namespace relay_race;

namespace {

kith::did runner_did(int i) {
  return kith::did::parse("did:example:r" + std::to_string(i)).value();
}

} // namespace

TEST_CASE("a race of three runners goes round, and every report is complete", "[examples][unit]") {
  constexpr int laps = 20;
  kith::test::probe<runner> runners[3];
  const race r{laps, {runner_did(0), runner_did(1), runner_did(2)}};
  const auto id = runners[1].ask("start", r).text();
  auto sent = runners[1].sent().at(0);
  runners[1].clear_sent();
  int passes = 0;
  for (bool running = true; running; ++passes) {
    REQUIRE(sent.kind == "baton");
    auto& next = runners[sent.to.text().back() - '0'];
    if (passes % 7 == 0) next.restart();
    REQUIRE(next.tell("baton", sent.as<baton>().value()).handled());
    running = !next.sent().empty();
    if (running) sent = next.sent().front();
    next.clear_sent();
  }
  CHECK(passes == 3 * laps);
  for (auto& p : runners) {
    const auto report = p.ask("report").as<record>().value();
    CHECK(report.race == id);
    CHECK(report.held == laps);
    CHECK(report.last_lap == laps);
    CHECK(report.faults == 0);
    CHECK(report.finished);
  }
}

TEST_CASE("a lap that is lost or run twice shows in the report", "[examples][unit]") {
  kith::test::probe<runner> p;
  const auto pass = [&](int lap) {
    return p.tell("baton", baton{"race", lap, 5, 0, {runner_did(0), runner_did(1)}}).handled();
  };
  REQUIRE(pass(1));
  REQUIRE(pass(1));
  REQUIRE(pass(3));
  const auto report = p.ask("report").as<record>().value();
  CHECK(report.held == 3);
  CHECK(report.faults == 2);
  CHECK_FALSE(report.finished);
}

TEST_CASE("races and batons that cannot be are refused", "[examples][unit]") {
  kith::test::probe<runner> p;
  CHECK(p.ask("start", race{0, {runner_did(0)}}).refused());
  CHECK(p.ask("start", race{laps_max + 1, {runner_did(0)}}).refused());
  CHECK(p.ask("start", race{1, {}}).refused());
  CHECK(p.ask("start", race{1, std::vector(runners_max + 1, runner_did(0))}).refused());
  CHECK(p.tell("baton", baton{"race", 1, 5, 2, {runner_did(0), runner_did(1)}}).refused());
  CHECK(p.tell("baton", baton{"race", 1, 5, -1, {runner_did(0)}}).refused());
  CHECK(p.sent().empty());
}
