#include "actors/simulation/cluster.hpp"

#include <catch2/catch.hpp>
#include <kith/kith.hpp>

using namespace kith;
using namespace kith::simulation;
using namespace std::chrono_literals;

namespace {

struct sim_counter : kith::agent {
  using agent::agent;
  void setup() override {
    on("add", [this](int n) { total.set(total.get() + n); });
    on("pass", [this](const std::string& to) { tell(did::parse(to).value(), "add", 1); });
  }
  kith::durable<int> total{*this, "total", 0};
};
KITH_AGENT(sim_counter);

// What the durable of an int is encoded as, behind its header.
std::string text_of(const std::optional<bytes>& cell) {
  return cell ? std::string(as_text(byte_view(*cell).subspan(3))) : "";
}

ingress told(const did& to, std::string kind, std::string json) {
  return {to, std::move(kind), std::string(json_type), std::move(json)};
}

} // namespace

TEST_CASE("simulated nodes find each other, and their agents talk", "[simulation][unit]") {
  cluster c({.seed = 7, .nodes = 3});
  auto a = c.spawn(0, "sim_counter", "a").value(), b = c.spawn(2, "sim_counter", "b").value();
  int accepted = 0;
  for (int i = 0; i < 10; ++i) {
    auto m = told(a, "pass", "\"" + b.text() + "\"");
    m.accepted = [&](const ingress::outcome& o) { accepted += o.problem.code.empty(); };
    REQUIRE(c.send(0, std::move(m)));
  }
  CHECK(c.run_until([&] { return text_of(c.cell(b, "total")) == "10"; }, 30s));
  CHECK(accepted == 10);
}
