#include <catch2/catch.hpp>
#include <kith/simulation.hpp>
#include <thermostat.hpp>

namespace {

struct measuring : kith::simulation::scenario {
  void set_up(world& in) override { t = in.spawn(0, "thermostat", "t"); }
  void work(world& in) override {
    const double celsius = double(in.below(400)) / 10;
    coldest = std::min(coldest, celsius);
    in.tell(t, "report", reading{"hall", celsius});
  }
  void check(world& in) override {
    in.expect(in.stored<double>(t, "coldest") == coldest, "another temperature is the coldest");
  }
  kith::did t;
  double coldest = 100;
};
KITH_SCENARIO(measuring);

} // namespace

TEST_CASE("whatever goes wrong, the thermostat knows the coldest temperature") {
  kith::simulation::options o;
  o.nodes = 3, o.span = std::chrono::seconds(20);
  for (o.seed = 1; o.seed <= 3; ++o.seed) {
    const auto r = kith::simulation::run(o, kith::simulation::find_scenario("measuring").value());
    INFO("seed " << o.seed);
    CHECK(r.broken == std::vector<std::string>{});
    CHECK(r.plan.size() > 3);
  }
}
