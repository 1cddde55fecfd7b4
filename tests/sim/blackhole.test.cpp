// What one peer that is gone without a word costs the others: nothing that they would notice.
#include "actors/simulation/cluster.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <kith/kith.hpp>

using namespace kith;
using namespace kith::simulation;
using namespace std::chrono_literals;

namespace {

struct echo : agent {
  using agent::agent;
  void setup() override {
    on("ping", [this](int n) {
      count.update([](int& c) { ++c; });
      return n;
    });
  }
  durable<int> count{*this, "count"};
};
KITH_AGENT_AS(echo, "black_hole_echo");

constexpr std::size_t nodes = 10;
constexpr std::size_t lost = 9; // the one that is black-holed

// The 99th percentile of round trips between the other nodes, each asking the next while all ask
// the one that may be gone.
duration p99(bool black_holed) {
  cluster c({.seed = 12, .nodes = nodes});
  std::vector<did> echoes;
  for (std::size_t n = 0; n < nodes; ++n)
    echoes.push_back(c.spawn(n, "black_hole_echo", "e" + std::to_string(n)).value());
  c.run_for(10s);
  if (black_holed)
    for (std::size_t n = 0; n < lost; ++n)
      c.inject({0, {}, fault_kind::black_hole, n, lost, 10min, 0});
  std::vector<duration> took;
  std::size_t sent = 0;
  const auto ask = [&](std::size_t from, std::size_t to, bool counts) {
    ingress m{echoes[to], "ping", std::string(json_type), "1"};
    m.wants_answer = true;
    m.accepted = [](const ingress::outcome&) {};
    const auto begin = c.now();
    m.answered = [&, begin, counts](const ingress::answer& a) {
      if (counts && !a.timed_out) took.push_back(c.now() - begin);
    };
    if (c.send(from, std::move(m)) && counts) ++sent;
  };
  for (int round = 0; round < 60; ++round) { // a minute: longer than the link takes to notice
    for (std::size_t n = 0; n < lost; ++n) {
      ask(n, (n + 1) % lost, true);
      ask(n, lost, false);
    }
    c.run_for(1s);
  }
  c.run_for(1min);
  REQUIRE(sent > 400);
  REQUIRE(took.size() == sent);
  std::sort(took.begin(), took.end());
  return took[took.size() * 99 / 100];
}

} // namespace

TEST_CASE("one of ten peers that is black-holed slows down no round trip among the others",
          "[sim]") {
  const auto without = p99(false), with = p99(true);
  const auto ms = [](duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
  std::printf("round trip p99 among nine nodes: %.3f ms, with the tenth black-holed %.3f ms\n",
              ms(without), ms(with));
  CHECK(with * 2 <= without * 3);
}
