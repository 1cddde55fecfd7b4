// What only the simulated world can do: partitions, black holes, crashes, and the same run again
// from the same seed.
#include "runtime/net/simulated.hpp"

#include <bit>
#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;
using namespace std::chrono_literals;

namespace {

// Hosts "alpha" and "beta" with a connection from the one to the other.
struct pair {
  manual_clock clock;
  simulated_network world;
  std::unique_ptr<listener> port;
  std::unique_ptr<byte_stream> alpha, beta;
  bytes at_alpha, at_beta;
  std::string alpha_end, beta_end;
  std::vector<std::size_t> pieces; // sizes that beta saw

  explicit pair(std::uint64_t seed = 1, link_traits traits = {}) : world(clock, seed, traits) {
    listen();
    world.network_of("alpha").connect("beta:4001", 10s, [this](auto s) {
      REQUIRE(s);
      alpha = std::move(*s);
    });
    REQUIRE(world.run_until([this] { return alpha && beta; }, 10s));
    alpha->start({[this](byte_view b) { append(at_alpha, b); },
                  {},
                  [this](const error& e) { alpha_end = e.code; }});
    beta->start({[this](byte_view b) {
                   append(at_beta, b);
                   pieces.push_back(b.size());
                 },
                 {},
                 [this](const error& e) { beta_end = e.code; }});
  }
  void listen() {
    port = world.network_of("beta")
               .listen("beta:4001", [this](std::unique_ptr<byte_stream> s) { beta = std::move(s); })
               .value();
  }
  std::string dial(const std::string& from, const std::string& to, duration timeout = 10s) {
    std::string outcome;
    world.network_of(from).connect(to, timeout,
                                   [&](auto s) { outcome = s ? "connected" : s.error().code; });
    REQUIRE(world.run_until([&] { return !outcome.empty(); }, 60s));
    return outcome;
  }
};

} // namespace

TEST_CASE("bytes take the latency of their way and arrive cut at random", "[net][sim]") {
  pair p(1, {.latency = 40ms, .jitter = 0ns});
  const bytes sent(100'000, 7);
  const time_point before = p.clock.now();
  p.alpha->write(sent);
  CHECK(p.world.run_until([&] { return !p.at_beta.empty(); }, 10s));
  CHECK(p.clock.now() - before == 40ms);
  CHECK(p.world.run_for(1s));
  CHECK(p.at_beta == sent);
  CHECK(p.pieces.size() > 100'000 / (16 * 1024));
}

TEST_CASE("what is under way is bounded, and what waits is seen by the writer", "[net][sim]") {
  pair p(1, {.in_flight_max = 1000});
  p.beta->pause_reading();
  p.alpha->write(bytes(5000));
  CHECK(p.alpha->unsent() == 4000);
  CHECK(p.world.run_for(10s));
  CHECK(p.alpha->unsent() == 4000);
  p.beta->resume_reading();
  CHECK(p.world.run_for(10s));
  CHECK(p.alpha->unsent() == 0);
  CHECK(p.at_beta.size() == 5000);
}

TEST_CASE("what is lost comes later, whole and in order", "[net][sim]") {
  bytes sent(100'000);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = std::uint8_t(i * 7);
  auto took = [&](std::uint32_t loss) {
    pair p(3, {.loss_in_thousand = loss});
    const time_point before = p.clock.now();
    p.alpha->write(sent);
    CHECK(p.world.run_until([&] { return p.at_beta.size() == sent.size(); }, 60s));
    CHECK(p.at_beta == sent);
    CHECK(p.alpha_end.empty());
    return p.clock.now() - before;
  };
  CHECK(took(0) < 100ms);
  CHECK(took(300) >= 200ms); // the first wait for an answer that does not come
}

TEST_CASE("one bit of one packet between two hosts is turned over, once", "[net][sim]") {
  pair p;
  p.world.corrupt_next("beta", "gamma"); // others are let alone
  const bytes sent(1000, 0);
  p.alpha->write(sent);
  CHECK(p.world.run_for(1s));
  CHECK(p.at_beta == sent);
  CHECK(p.world.corrupted_count() == 0);
  p.world.corrupt_next("beta", "alpha");
  p.alpha->write(sent);
  p.alpha->write(sent);
  CHECK(p.world.run_for(1s));
  CHECK(p.world.corrupted_count() == 1);
  int bits = 0;
  for (auto b : p.at_beta) bits += std::popcount(b);
  CHECK(bits == 1);
  CHECK(p.at_beta.size() == 3000);
}

TEST_CASE("a partition holds bytes back until it heals", "[net][sim]") {
  pair p;
  p.world.partition("beta", "alpha");
  p.alpha->write(bytes{1, 2, 3});
  p.beta->write(bytes{4});
  CHECK(p.world.run_for(15s));
  CHECK(p.at_beta.empty());
  CHECK(p.at_alpha.empty());
  p.world.heal("alpha", "beta");
  CHECK(p.world.run_for(1s));
  CHECK(p.at_beta == bytes{1, 2, 3});
  CHECK(p.at_alpha == bytes{4});
  CHECK(p.alpha_end.empty());
}

TEST_CASE("a long partition ends the connection of who sends, and then of who answers",
          "[net][sim]") {
  pair p;
  p.world.partition("alpha", "beta");
  p.alpha->write(bytes{1});
  CHECK(p.world.run_for(25s));
  CHECK(p.alpha_end == "connection_lost");
  CHECK(p.beta_end.empty());
  p.world.heal_all();
  p.beta->write(bytes{2});
  CHECK(p.world.run_for(1s));
  CHECK(p.beta_end == "connection_reset");
}

TEST_CASE("a black hole is silent for as long as it lasts", "[net][sim]") {
  pair p;
  p.world.set_link("alpha", "beta", {.black_hole = true});
  p.alpha->write(bytes{1});
  CHECK(p.dial("alpha", "beta:4001", 3s) == "connect_timeout");
  CHECK(p.world.run_for(1h));
  CHECK(p.alpha_end.empty());
  CHECK(p.at_beta.empty());
  p.world.set_link("alpha", "beta", {});
  CHECK(p.world.run_for(1s));
  CHECK(p.at_beta == bytes{1});
  CHECK(p.dial("alpha", "beta:4001") == "connected");
}

TEST_CASE("dropped connections end at both ends; others stay", "[net][sim]") {
  pair p;
  p.world.drop_connections("alpha", "gamma");
  CHECK(p.world.run_for(1s));
  CHECK(p.alpha_end.empty());
  p.world.drop_connections("beta", "alpha");
  CHECK(p.world.run_for(1s));
  CHECK(p.alpha_end == "connection_reset");
  CHECK(p.beta_end == "connection_reset");
}

TEST_CASE("a crash silently ends everything of a host, and its peers find out", "[net][sim]") {
  pair p;
  bool ran = false;
  p.world.reactor_of("beta").after(1s, [&] { ran = true; });
  p.world.reactor_of("beta").post([&] { ran = true; });
  p.world.crash("beta");
  p.beta.reset();
  p.port.reset();
  CHECK(p.world.run_for(10s));
  CHECK_FALSE(ran);
  CHECK(p.beta_end.empty());
  CHECK(p.alpha_end.empty());
  CHECK(p.dial("alpha", "beta:4001") == "connection_refused");
  p.alpha->write(bytes{1});
  CHECK(p.world.run_for(1s));
  CHECK(p.alpha_end == "connection_reset");
  p.listen();
  CHECK(p.dial("alpha", "beta:4001") == "connected");
}

TEST_CASE("a crash takes streams and timers that its own closures hold", "[net][sim]") {
  pair p;
  auto held = std::make_shared<std::unique_ptr<byte_stream>>(std::move(p.beta));
  const std::weak_ptr<std::unique_ptr<byte_stream>> watch = held;
  p.world.reactor_of("beta").after(1h, [held] {});
  auto port = std::make_shared<std::unique_ptr<listener>>(std::move(p.port));
  p.world.reactor_of("beta").post([port] {});
  held.reset();
  port.reset();
  p.world.crash("beta");
  CHECK(watch.expired());
  CHECK(p.world.run_for(1s));
}

TEST_CASE("a host listens on its own names only, and loopback is its own", "[net][sim]") {
  pair p;
  auto& beta = p.world.network_of("beta");
  const auto local = beta.listen("127.0.0.1:9", [](auto) {});
  REQUIRE(local);
  const auto open = beta.listen("0.0.0.0:0", [](auto) {});
  REQUIRE(open);
  CHECK(p.dial("alpha", "beta:9") == "connection_refused");
  CHECK(p.dial("beta", "127.0.0.1:9") == "connected");
  CHECK(p.dial("alpha", (*open)->local_address()) == "connected");
  CHECK(p.dial("alpha", "nowhere:1") == "host_not_found");
  CHECK(beta.listen("alpha:1", [](auto) {}).error().code == "address_not_available");
  CHECK(beta.listen("beta:4001", [](auto) {}).error().code == "address_in_use");
}

TEST_CASE("a seed repeats its run exactly, and another seed does not", "[net][sim][property]") {
  const auto run = [](std::uint64_t seed) {
    pair p(seed);
    for (int round = 0; round < 20; ++round) {
      p.alpha->write(bytes(std::size_t(10'000 + round * 777), std::uint8_t(round)));
      p.beta->write(bytes(std::size_t(100 + round), std::uint8_t(round)));
      if (round == 5) p.world.partition("alpha", "beta");
      if (round == 8) p.world.heal_all();
      REQUIRE(p.world.run_for(3ms));
    }
    REQUIRE(p.world.run_for(1s));
    CHECK(p.at_beta.size() == 20u * 10'000 + 777u * 190);
    return std::pair(p.world.trace(), p.pieces);
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto first = run(seed);
    CHECK(first == run(seed));
    CHECK(first.first != run(seed + 1000).first);
  }
}

TEST_CASE("a world that spins is reported", "[net][sim][slow][.]") {
  manual_clock clock;
  simulated_network world(clock, 1);
  auto& r = world.reactor_of("alpha");
  std::function<void()> again = [&] { r.post(again); };
  r.post(again);
  CHECK_FALSE(world.run_for(1s));
}
