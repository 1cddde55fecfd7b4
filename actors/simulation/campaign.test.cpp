#include <catch2/catch.hpp>
#include <kith/kith.hpp>
#include <kith/simulation.hpp>

using namespace kith;
using namespace kith::simulation;
using namespace std::chrono_literals;

namespace {

// Adds, and forgets what it should keep if `forgetful`.
struct sim_sum : kith::agent {
  using agent::agent;
  void setup() override {
    on("add", [this](int n) { total.set(total.get() + n); });
    on("forget", [this](int n) { in_memory += n, total.set(in_memory); });
    on("total", [this] { return total.get(); });
    on("refuse", [this] { refuse("it does not like that"); });
    on("throw", [] { throw std::runtime_error("always"); });
  }
  int in_memory = 0; // gone with a crash
  kith::durable<int> total{*this, "total", 0};
};
KITH_AGENT(sim_sum);

struct adding : scenario {
  explicit adding(const char* how = "add") : kind(how) {}
  void set_up(world& in) override { to = in.spawn(0, "sim_sum", "s"); }
  void work(world& in) override { in.tell(to, kind, 1), ++given; }
  void check(world& in) override {
    auto total = in.stored<int>(to, "total").value_or(0);
    in.expect(total == given,
              "the total is " + std::to_string(total) + " and not " + std::to_string(given));
  }
  const char* kind;
  did to;
  int given = 0;
};
KITH_SCENARIO(adding);

struct forgetting : adding {
  forgetting() : adding("forget") {}
};
KITH_SCENARIO(forgetting);

options of_seed(std::uint64_t seed) {
  options o;
  o.seed = seed;
  o.nodes = 3;
  o.span = 20s;
  return o;
}

} // namespace

TEST_CASE("a scenario is found by its name, and what it told is done once whatever goes wrong",
          "[simulation][unit]") {
  CHECK(scenario_names() == std::vector<std::string>{"adding", "forgetting"});
  CHECK(find_scenario("addin").error().code == "scenario");
  auto r = run(of_seed(2), find_scenario("adding").value());
  CHECK(r.broken == std::vector<std::string>{});
  CHECK(r.plan.size() > 3);
  CHECK(r.simulated >= 20s);
  auto quiet = of_seed(2);
  quiet.kinds = {};
  r = run(quiet, find_scenario("adding").value());
  CHECK(r.broken == std::vector<std::string>{});
  CHECK(r.plan.empty());
  CHECK(r.injected == fault_counts{});
}

TEST_CASE(
    "an agent that keeps in memory what it should store is found, and the faults that show it",
    "[simulation][unit]") {
  auto make = find_scenario("forgetting").value();
  std::uint64_t seed = 0;
  report failed;
  while (failed.broken.empty() && seed < 20) failed = run(of_seed(++seed), make);
  REQUIRE(failed.broken.size() == 1);
  CHECK(failed.broken[0].starts_with("the total is "));
  std::size_t runs = 0;
  auto least = shrink(of_seed(seed), make, failed, 200, [&](const report&) { ++runs; });
  CHECK(runs > 0);
  REQUIRE(least.plan.size() == 1);
  CHECK_FALSE(least.broken.empty());
  auto again = of_seed(seed);
  again.only = {least.plan[0].number};
  CHECK(run(again, make).trace == least.trace); // it plays again as it was
  again.only.emplace();
  CHECK(run(again, make).broken.empty());
}

namespace {

struct asking : scenario {
  void set_up(world& in) override { to = in.spawn(1, "sim_sum", "s"); }
  void work(world& in) override {
    if (in.elapsed() > 5s || asked >= 30) return;
    ++asked;
    in.ask(to, asked % 2 == 0 ? "total" : "refuse", "", [this](const reply& r) {
      ++(!r.answered ? lost : r.ok ? good : refused);
      if (r.ok) values += r.as<int>() == 0;
      if (!r.ok && r.answered) reason = r.payload;
    });
  }
  void check(world& in) override {
    in.expect(asked == good + refused + lost, "each ask has one end");
    in.expect(good > 0 && good == values, "each answer is read");
    in.expect(refused > 0 && reason == "it does not like that", reason);
    in.expect(lost == 0, std::to_string(lost) + " lost");
  }
  did to;
  std::string reason;
  int asked = 0, good = 0, refused = 0, lost = 0, values = 0;
};

struct throwing : scenario {
  explicit throwing(bool may) : allowed(may) {}
  void set_up(world& in) override {
    to = in.spawn(0, "sim_sum", "s");
    if (allowed) in.allow_dead_letters();
  }
  void work(world& in) override {
    if (!std::exchange(told, true)) in.tell(to, "throw");
  }
  void check(world&) override {}
  bool allowed, told = false;
  did to;
};

struct nowhere : scenario {
  void set_up(world& in) override { in.spawn(0, "no_such_type", "x"); }
  void work(world&) override {}
  void check(world&) override {}
};

} // namespace

TEST_CASE("a scenario asks from outside, and hears of every end", "[simulation][unit]") {
  auto o = of_seed(3);
  o.kinds = {};
  CHECK(run(o, [] { return std::make_unique<asking>(); }).broken == std::vector<std::string>{});
}

TEST_CASE("a dead letter breaks a run unless the scenario allows it", "[simulation][unit]") {
  auto o = of_seed(3);
  o.kinds = {};
  auto broken = [&](bool may) {
    return run(o, [&] { return std::make_unique<throwing>(may); }).broken;
  };
  CHECK(broken(false) == std::vector<std::string>{"1 dead letters"});
  CHECK(broken(true).empty());
}

TEST_CASE("what a scenario throws breaks its run", "[simulation][unit]") {
  auto broken = run(of_seed(3), [] { return std::make_unique<nowhere>(); }).broken;
  REQUIRE(broken.size() == 1);
  CHECK(broken[0].starts_with("an exception: spawning a no_such_type on n1: "));
}

namespace {

// Adds what it is told after a while, in three ways.
struct sim_till : kith::agent {
  using agent::agent;
  void setup() override {
    on("late", [this](int n) -> task<> {
      const int before = total.get();
      co_await sleep(300);
      total.set(before + n); // forgets what came meanwhile
    });
    on("fresh", [this](int n) -> task<> {
      const int before = total.get();
      co_await sleep(300);
      if (total.get() >= before) total.set(total.get() + n);
    });
    on("known", [this](int n) -> task<> {
      const int before = total.get();
      co_await sleep(300);
      total.overwrite(before + n);
    });
    on("alone", [this](int n) -> task<> {
      const int before = own.get();
      co_await sleep(300);
      own.set(before + n);
      co_await sleep(300);
      own.set(before + 2 * n); // itself has changed it
    });
    on("add", [this](int n) { total.set(total.get() + n); });
  }
  kith::durable<int> total{*this, "total"}, own{*this, "own"};
};
KITH_AGENT(sim_till);

struct selling : scenario {
  explicit selling(const char* how) : kind(how) {}
  void set_up(world& in) override { to = in.spawn(0, "sim_till", "t"); }
  void work(world& in) override {
    if (std::exchange(begun, true)) return;
    in.tell(to, kind, 1);
    if (std::string_view(kind) != "alone") in.tell(to, kind, 1);
    in.tell(to, "add", 1);
  }
  void check(world&) override {}
  const char* kind;
  bool begun = false;
  did to;
};

} // namespace

TEST_CASE("a handler that writes what it read before an await, over what another turn wrote, is "
          "found unless it says so",
          "[simulation][unit]") {
  auto broken = [](const char* how, std::vector<fault_kind> kinds) {
    auto o = of_seed(3);
    o.kinds = std::move(kinds);
    return run(o, [&] { return std::make_unique<selling>(how); }).broken;
  };
  const auto late = broken("late", {});
  REQUIRE(late.size() == 1);
  CHECK(
      late[0].ends_with(" (sim_till): the handler of late set durable \"total\" from what it read "
                        "before an await, and another turn had changed it since"));
  CHECK(broken("fresh", {}).empty());
  CHECK(broken("known", {}).empty());
  CHECK(broken("alone", {}).empty());
  CHECK(broken("alone", {fault_kind::crash}).empty()); // nor when it was run again
}
