#include "examples/counter/counter.cpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

TEST_CASE("counter adds, keeps its value over a restart, and starts again", "[examples][unit]") {
  kith::test::probe<counter> p;
  CHECK(p.ask("add", 5).as<int>() == 5);
  CHECK(p.ask("add", -7).as<int>() == -2);
  p.restart();
  CHECK(p.ask("get").as<int>() == -2);
  CHECK(p.tell("reset").handled());
  CHECK(p.ask("get").as<int>() == 0);
}

TEST_CASE("counter refuses what is no number and what does not fit, and stays as it was",
          "[examples][unit]") {
  kith::test::probe<counter> p;
  CHECK(p.tell("add", INT64_MAX).handled());
  CHECK(p.tell("add", 1).refused());
  CHECK(p.ask("add", "five").refused());
  CHECK(p.ask("get").as<std::int64_t>() == INT64_MAX);
}
