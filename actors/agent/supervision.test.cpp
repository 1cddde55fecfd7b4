// Supervisors as a program declares them, crashing, and watching, without a node.
#include "actors/agent/registry.hpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

KITH_SUPERVISOR("shop", rest_for_one, .intensity = 0, .period_ms = 7);
KITH_SUPERVISOR("till", one_for_all, .under = "shop", .shutdown_ms = 9);

using kith::supervisor_type;
using kith::supervisor_types;

TEST_CASE("what a program declares of its supervisors is known by name", "[agent][unit]") {
  CHECK(supervisor_types::find("shelf") == nullptr);
  const auto* shop = supervisor_types::find("shop");
  const auto* till = supervisor_types::find("till");
  REQUIRE(shop != nullptr);
  REQUIRE(till != nullptr);
  CHECK(shop->strategy == kith::strategy::rest_for_one);
  CHECK(shop->intensity == 0u);
  CHECK(shop->period_ms == 7);
  CHECK(shop->under.empty());
  CHECK(till->strategy == kith::strategy::one_for_all);
  CHECK(till->under == "shop");
  CHECK_FALSE(till->intensity);
  CHECK(till->shutdown_ms == 9);
  CHECK(supervisor_types::check(supervisor_types::all()));
}

TEST_CASE("supervisors that make no tree are refused by name", "[agent][unit]") {
  auto under = [](std::string above) {
    supervisor_type t;
    t.under = std::move(above);
    return t;
  };
  auto why = [](const supervisor_types::table& t) {
    auto checked = supervisor_types::check(t);
    return checked ? std::string() : checked.error().context;
  };
  CHECK(why({{"a", under("b")}}) == "supervisor a is under b, which is not declared");
  CHECK(why({{"a", under("a")}}).starts_with("supervisor a is under itself"));
  CHECK(why({{"a", under("b")}, {"b", under("a")}}).starts_with("supervisor a is under itself"));
  supervisor_types::table deep{{"0", under("")}};
  for (std::size_t i = 1; i < supervisor_types::depth_max; ++i)
    deep[std::to_string(i)] = under(std::to_string(i - 1));
  CHECK(why(deep).empty());
  deep["one more"] = under(std::to_string(supervisor_types::depth_max - 1));
  CHECK(why(deep).find("more than 15 others") != std::string::npos);
  supervisor_types::table many;
  for (std::size_t i = 0; i <= supervisor_types::count_max; ++i)
    many[std::to_string(i)] = under("");
  CHECK(why(many).find("at most 1000") != std::string::npos);
}

TEST_CASE("restart types have names, and no others", "[agent][unit]") {
  for (auto r : {kith::restart::permanent, kith::restart::transient, kith::restart::temporary})
    CHECK(kith::parse_restart(kith::restart_name(r)) == r);
  CHECK_FALSE(kith::parse_restart("sometimes"));
  CHECK_FALSE(kith::parse_restart(""));
}

namespace {

struct fragile : kith::agent {
  using agent::agent;
  void setup() override {
    on("crash", [this] {
      value.set(7);
      plain = 7;
      try {
        crash("on purpose");
      } catch (const std::exception&) { // it is none, and so is let by
      }
    });
    on("values", [this] { return std::to_string(value.get()) + " " + std::to_string(plain); });
    on("set", [this](int v) {
      value.set(v);
      plain = v;
    });
    on("watch", [this](const std::string& who) { watch(who); });
    on("remote", [this] {
      spawn_on("far", "fragile", {.under = "till", .restart = kith::restart::temporary},
               then{"born"});
    });
    on_answer("born", [](const answer&) {});
  }
  kith::durable<int> value{*this, "value"};
  int plain = 0;
};

} // namespace

TEST_CASE("a crash undoes its turn, keeps what is durable, and begins a new life",
          "[agent][unit]") {
  kith::test::probe<fragile> p;
  CHECK(p.tell("set", 3).handled());
  CHECK(p.ask("values").text() == "3 3");
  auto ended = p.ask("crash");
  CHECK(ended.crashed());
  CHECK(ended.reason() == "on purpose");
  CHECK_THROWS(ended.text());
  CHECK(p.ask("values").text() == "3 0");
}

TEST_CASE("to watch needs an on_down", "[agent][unit]") {
  kith::test::probe<fragile> p;
  auto ended = p.tell("watch", "did:example:other");
  CHECK(ended.threw());
  CHECK(ended.reason() == "watch() needs an on_down");
}

TEST_CASE("a spawn on another node says under whom", "[agent][unit]") {
  kith::test::probe<fragile> p;
  CHECK(p.tell("remote").handled());
  REQUIRE(p.sent().size() == 1);
  CHECK(p.sent()[0].text == R"({"name":"","restart":"temporary","type":"fragile","under":"till"})");
}
