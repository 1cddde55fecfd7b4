#include <catch2/catch.hpp>
#include <kith/test.hpp>
#include <thermostat.hpp>

TEST_CASE("thermostat heats a cold room, and remembers the coldest over a restart") {
  kith::test::probe<thermostat> p;
  CHECK(p.ask("report", reading{"hall", 12.5}).text() == "heat hall");
  p.restart();
  CHECK(p.ask("report", reading{"bath", 22}).text() == "leave bath");
  CHECK(p.stored<double>("coldest") == 12.5);
  CHECK(p.ask_raw("report", "application/json", R"({"room":"hall"})").refused());
}
