// A library with a fault planted in it, which `kith sim` must find: its agent holds in memory what
// it should have stored.
#include <kith/kith.hpp>
#include <kith/simulation.hpp>

namespace {

struct careless : kith::agent {
  using agent::agent;
  void setup() override {
    sum = stored.get();
    on("add", [this](int n) {
      sum += n;
      if (++seen % 3 == 0) stored.set(sum); // the rest is gone with the process
    });
    on("settle", [this] { stored.set(sum); });
  }
  int sum = 0, seen = 0;
  kith::durable<int> stored{*this, "sum"};
};
KITH_AGENT(careless);

struct counting : kith::simulation::scenario {
  void set_up(world& in) override { who = in.spawn(0, "careless", "c"); }
  void work(world& in) override { in.tell(who, "add", 1), ++given; }
  bool done(world& in) override {
    if (!std::exchange(settled, true)) in.tell(who, "settle");
    return in.waiting() == 0 && in.stored<int>(who, "sum").has_value();
  }
  void check(world& in) override {
    const int sum = in.stored<int>(who, "sum").value_or(0);
    in.expect(sum == given, std::to_string(sum) + " counted of " + std::to_string(given));
  }
  kith::did who;
  int given = 0;
  bool settled = false;
};
KITH_SCENARIO(counting);

} // namespace
