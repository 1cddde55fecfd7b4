#include "actors/simulation/cluster.hpp"

#include <catch2/catch.hpp>
#include <kith/kith.hpp>
#include <kith/simulation.hpp>

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

KITH_SUPERVISOR("sim_desk", one_for_all);

struct sim_clerk : kith::agent {
  using agent::agent;
  void setup() override {
    lives.update([](int& n) { ++n; });
    on("mind", [this](const std::string& who) { watch(who); });
    on("crash", [this] { crash("told to"); });
    on_down([this](const down& d) {
      heard.update(
          [&](auto& all) { all.push_back(std::string(to_string(d.reason)) + " " + d.why); });
    });
  }
  kith::durable<int> lives{*this, "lives"};
  kith::durable<std::vector<std::string>> heard{*this, "heard"};
};
KITH_AGENT(sim_clerk);

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

TEST_CASE("what a simulated node accepted outlives its crash, and what it had not is not there",
          "[simulation][unit]") {
  cluster c({.seed = 3, .nodes = 2});
  auto a = c.spawn(0, "sim_counter", "a").value();
  bool first = false, second = false;
  auto m = told(a, "add", "1");
  m.accepted = [&](const ingress::outcome& o) { first = o.problem.code.empty(); };
  REQUIRE(c.send(0, std::move(m)));
  REQUIRE(c.run_until([&] { return first; }, 5s));
  m = told(a, "add", "100");
  m.accepted = [&](const ingress::outcome&) { second = true; };
  REQUIRE(c.send(0, std::move(m)));
  c.crash(0);
  CHECK_FALSE(c.up(0));
  CHECK_FALSE(c.send(0, told(a, "add", "5")));
  c.run_for(1s);
  c.start(0);
  REQUIRE(c.run_until([&] { return text_of(c.cell(a, "total")) == "1"; }, 10s));
  c.stop(0);
  REQUIRE(c.run_until([&] { return !c.up(0); }, 10s));
  c.run_for(5s);
  c.start(0);
  c.run_for(5s);
  CHECK(text_of(c.cell(a, "total")) == "1");
  CHECK_FALSE(second);
}

TEST_CASE("a plan draws every kind of fault, and says each in words", "[simulation][unit]") {
  seeded_random random(1);
  auto plan = make_faults({.nodes = 4, .span = 10min}, random);
  std::map<fault_kind, int> seen;
  duration at{};
  for (auto& f : plan) {
    ++seen[f.kind];
    CHECK(f.number == std::size_t(&f - plan.data()) + 1);
    CHECK(parse_fault_kind(name_of(f.kind)) == f.kind);
    CHECK(f.at >= at);
    at = f.at;
    CHECK(f.node < 4);
    CHECK(f.text().find(std::string(name_of(f.kind))) != std::string::npos);
  }
  CHECK(seen.size() == all_fault_kinds.size());
  CHECK_FALSE(parse_fault_kind("flood"));
  CHECK(fault{1, 12345ms, fault_kind::partition, 0, 2, 2s}.text() ==
        "12.345 s: partition of n1 and n3 for 2.000 s");
}

TEST_CASE("simulated nodes start a supervisor's agents anew, and watchers on others hear of it",
          "[simulation][unit]") {
  cluster c({.seed = 11, .nodes = 2});
  const auto eve = c.spawn(0, "sim_clerk", "eve").value();
  const auto ann = c.spawn(1, "sim_clerk", "ann", "sim_desk").value();
  const auto bob = c.spawn(1, "sim_clerk", "bob", "sim_desk").value();
  auto tell = [&](std::size_t node, const did& to, std::string kind, std::string json) {
    auto m = told(to, std::move(kind), std::move(json));
    m.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
    REQUIRE(c.send(node, std::move(m)));
  };
  auto has = [&](const did& who, std::string_view cell, std::string_view value) {
    return c.run_until([&] { return text_of(c.cell(who, cell)) == value; }, 2min);
  };
  c.run_for(5s); // until the nodes know of each other's agents
  tell(0, eve, "mind", "\"" + ann.text() + "\"");
  REQUIRE(has(eve, "kith.watches", "[\"" + ann.text() + "\"]"));
  c.run_for(1s); // the other node is asked to say
  tell(1, ann, "crash", "null");
  CHECK(has(ann, "lives", "2"));
  CHECK(has(bob, "lives", "2")); // one for all
  CHECK(has(eve, "heard", R"(["crashed told to"])"));
  c.crash(1);
  CHECK(has(eve, "heard", R"(["crashed told to","unreachable the link to its node broke"])"));
  c.start(1);
  c.run_for(5s);
  CHECK(text_of(c.cell(bob, "lives")) == "2"); // it has nothing to do, and sleeps
  tell(1, bob, "mind", "\"" + eve.text() + "\"");
  CHECK(has(bob, "lives", "3"));
  tell(1, ann, "crash", "null");
  CHECK(has(ann, "lives", "4"));
  CHECK(has(bob, "lives", "4")); // where both belong is in the store
}
