// Nodes that begin again on a backup.
#include "actors/simulation/cluster.hpp"
#include "actors/simulation/invariants.hpp"

#include <catch2/catch.hpp>
#include <kith/kith.hpp>

using namespace kith;
using namespace kith::simulation;
using namespace std::chrono_literals;

namespace {

// One agent tells another; either node is restored.
struct sim_teller : kith::agent {
  using agent::agent;
  void setup() override {
    on("tell", [this](const std::string& to) {
      tell(did::parse(to).value(), "note", said.get());
      said.set(said.get() + 1);
    });
    on("note", [this](int n) {
      if (n <= last.get()) back.set(back.get() + 1);
      last.set(n);
      heard.set(heard.get() + 1);
    });
  }
  kith::durable<int> said{*this, "said", 0}, heard{*this, "heard", 0};
  kith::durable<int> last{*this, "last", -1}, back{*this, "back", 0};
};
KITH_AGENT(sim_teller);

} // namespace

TEST_CASE("a restored recipient skips what its senders no longer have, and says how much",
          "[simulation][unit]") {
  cluster c({.seed = 5, .nodes = 2});
  const auto a = c.spawn(0, "sim_teller", "a").value(), b = c.spawn(1, "sim_teller", "b").value();
  auto number = [&](const did& who, std::string_view name) {
    const auto cell = c.cell(who, name);
    return cell ? std::stoi(std::string(as_text(byte_view(*cell).subspan(3)))) : 0;
  };
  auto tell = [&](int times) {
    for (int i = 0; i < times; ++i) {
      ingress m{a, "tell", std::string(json_type), "\"" + b.text() + "\""};
      m.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
      REQUIRE(c.send(0, std::move(m)));
    }
  };
  auto disks = [&] { return std::vector<store::backend*>{c.disk(0), c.disk(1)}; };
  tell(5);
  REQUIRE(c.run_until([&] { return number(b, "heard") == 5; }, 30s));

  std::size_t from = 0;
  SECTION("the recipient's node") {
    c.inject({1, {}, fault_kind::restore, 1, 0, 500ms, 20'000});
    tell(7);
    REQUIRE(c.run_until([&] { return number(b, "heard") == 12; }, 15s));
    REQUIRE(c.run_until([&] { return !c.up(1); }, 30s));
    REQUIRE(c.run_until([&] { return c.up(1); }, 30s));
    CHECK(number(b, "heard") == 5);
    tell(3);
    REQUIRE(c.run_until([&] { return number(b, "heard") == 8; }, 60s));
    CHECK(number(b, "last") == 14);
    CHECK(number(b, "back") == 0);
    const auto lost = lost_ranges(disks(), a, b);
    CHECK(lost.ranges == 1);
    CHECK(lost.positions == 7);
    from = 1;
  }
  SECTION("the sender's node") {
    c.inject({1, {}, fault_kind::restore, 0, 0, 500ms, 20'000});
    tell(7);
    REQUIRE(c.run_until([&] { return number(b, "heard") == 12; }, 15s));
    REQUIRE(c.run_until([&] { return !c.up(0); }, 30s));
    REQUIRE(c.run_until([&] { return c.up(0); }, 30s));
    c.run_for(1s);
    CHECK(number(a, "said") == 5);
    tell(3); // in a stream of its own: what was sent before is not taken for it
    REQUIRE(c.run_until([&] { return number(b, "heard") == 15; }, 60s));
    CHECK(number(b, "back") == 1);
    CHECK(lost_ranges(disks(), a, b).ranges == 0);
  }
  c.run_for(5s);
  CHECK(c.restores(from) == 1);
  CHECK(c.injected()[std::size_t(fault_kind::restore)] == 1);
  CHECK(broken_invariants(disks()) == std::vector<std::string>{});
  CHECK(unfinished(disks()) == std::vector<std::string>{});
  c.crash(from); // it is no longer told that it is restored, and its peers have nothing against it
  c.start(from);
  tell(from == 1 ? 1 : 0);
  c.run_for(10s);
  CHECK(c.up(from));
  CHECK(broken_invariants(disks()) == std::vector<std::string>{});
}
