#include "examples/supervised/supervised.cpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

TEST_CASE("a worker that crashes keeps what was done before, and begins anew", "[examples][unit]") {
  kith::test::probe<worker> p;
  CHECK(p.ask("work", "a").as<int>() == 1);
  auto ended = p.ask("work", "poison");
  CHECK(ended.crashed());
  CHECK(ended.reason() == "this is poison");
  auto report = p.ask("report").as<worker_report>();
  REQUIRE(report);
  CHECK(report->done == 1); // the crashed turn took no effect
  CHECK(report->lives == 2);
  CHECK(report->fresh == 0);
  CHECK(p.ask("work", "b").as<int>() == 1);
}

TEST_CASE("a worker that throws goes on in the same life", "[examples][unit]") {
  kith::test::probe<worker> p;
  CHECK(p.ask("work", "a").as<int>() == 1);
  CHECK(p.ask("work", "rotten").threw());
  auto report = p.ask("report").as<worker_report>();
  REQUIRE(report);
  CHECK(report->done == 1);
  CHECK(report->lives == 1);
  CHECK(report->fresh == 1);
}

TEST_CASE("a worker hears of those that it minds, until it minds them no more",
          "[examples][unit]") {
  kith::test::probe<worker> p;
  auto ann = kith::did::parse("did:example:ann").value();
  CHECK_THROWS(p.go_down(ann, kith::down_reason::stopped));
  CHECK(p.tell("mind", ann.text()).handled());
  CHECK(p.watched().count(ann) == 1);
  CHECK(p.go_down(ann, kith::down_reason::crashed, "poison").handled());
  CHECK(p.go_down(ann, kith::down_reason::unreachable).handled());
  CHECK(p.ask("heard").as<std::vector<std::string>>() ==
        std::vector<std::string>{"crashed: poison", "unreachable"});
  CHECK(p.tell("mind no more", ann.text()).handled());
  CHECK(p.watched().empty());
  CHECK(p.tell("mind", "nobody").refused());
}

TEST_CASE("a worker hires under a supervisor by name, and no other", "[examples][unit]") {
  kith::test::probe<worker> p;
  CHECK(p.ask("hire", "yard").handled());
  REQUIRE(p.spawned().size() == 1);
  CHECK(p.spawned()[0].under == "yard");
  CHECK(p.spawned()[0].restart == kith::restart::permanent);
  auto ended = p.ask("hire", "cellar");
  CHECK(ended.threw());
  CHECK(ended.reason() == "no supervisor cellar in this program");
}
