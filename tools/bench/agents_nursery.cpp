// The agents of the rows about many agents: idle ones, and one that makes and touches them.
#include <atomic>
#include <chrono>
#include <kith/kith.hpp>

namespace kith::bench {

namespace {

// When this process ran the first turn of an agent of these types, by the clock that all processes
// of a machine share; 0: not yet. Of the process, for it is the process's start that is measured.
std::atomic<std::int64_t> first_turn{0};

void note_turn() {
  std::int64_t none = 0;
  if (first_turn.load(std::memory_order_relaxed) == 0)
    first_turn.compare_exchange_strong(none,
                                       std::chrono::steady_clock::now().time_since_epoch().count());
}

struct bench_idle : agent {
  using agent::agent;
  void setup() override {
    on("add", [this](int n) { value.set(value.get() + n); });
    on("touch", [this] { touched_ = true; });
  }
  kith::durable<int> value{*this, "value", 0};

private:
  bool touched_ = false;
};
KITH_AGENT_AS(bench_idle, "bench.idle");

struct bench_nursery : agent {
  using agent::agent;
  void setup() override {
    on("make", [this](std::uint64_t count) {
      std::vector<kith::did> made;
      made.reserve(count);
      for (std::uint64_t i = 0; i < count; ++i) made.push_back(spawn("bench.idle"));
      return made;
    });
    on("touch", [this](const std::vector<kith::did>& all) {
      for (const auto& one : all) tell(one, "touch", "", {qos::at_most_once});
    });
  }
};
KITH_AGENT_AS(bench_nursery, "bench.nursery");

// A load that is still there after a crash: each message to itself makes the next, durably, until
// it is told to halt.
struct bench_wheel : agent {
  using agent::agent;
  void setup() override {
    on("spin", [this] {
      note_turn();
      turning.set(true);
      tell(self(), "turn", std::string(128, 'x'));
    });
    on("turn", [this](const std::string& payload) {
      note_turn();
      if (turning.get()) tell(self(), "turn", payload);
    });
    on("halt", [this] {
      note_turn();
      turning.set(false);
    });
    on("first_turn", [] {
      note_turn();
      return first_turn.load();
    });
  }
  kith::durable<bool> turning{*this, "turning", false};
};
KITH_AGENT_AS(bench_wheel, "bench.wheel");

} // namespace

void link_nursery_agents() {} // referred to by the command, so that the linker keeps the types

} // namespace kith::bench
