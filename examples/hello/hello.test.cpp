#include "examples/hello/hello.cpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

TEST_CASE("greeter greets, and remembers its visits over a restart", "[examples][unit]") {
  kith::test::probe<greeter> p;
  CHECK(p.ask("greet", "Ada").text() == "hello, Ada");
  p.restart();
  CHECK(p.ask("greet", "Grace").text() == "hello, Grace");
  CHECK(p.stored<int>("visits") == 2);
}
