// The agents of the rows about round trips: one that goes round many times, one trip at a time, and
// one that answers.
#include <algorithm>
#include <chrono>
#include <kith/kith.hpp>

namespace kith::bench {

namespace {

struct trips {
  kith::did to;
  std::uint64_t count = 0;
  std::uint64_t warm_up = 0; // before they are counted
  std::uint64_t payload_size = 128;
  bool durable = false;
};
KITH_DESCRIBE(trips, to, count, warm_up, payload_size, durable);

struct trips_result {
  bool done = false;
  double p50_us = 0, p99_us = 0;
};
KITH_DESCRIBE(trips_result, done, p50_us, p99_us);

// A durable trip begins with an ask and ends when the turn of its answer is synced: what that turn
// sends, even to itself, waits for that. So three commits follow each other: that of the ask, that
// of the answering turn, that of the answer's turn (semantics.md 12, 13).
struct bench_traveller : agent {
  using agent::agent;

  void setup() override {
    on("go", [this](const trips& t) {
      now_ = t;
      payload_ = std::string(t.payload_size, 'x');
      times_.clear();
      gone_ = 0;
      result_ = {};
      begin();
    });
    on("pong", [this](const std::string&) { back(); });
    on_answer("answered", [this](const answer& a) {
      if (a.ok()) tell(self(), "next", "", {qos::at_most_once});
    });
    on("next", [this] { back(); });
    on("result", [this] { return result_; });
  }

private:
  void begin() {
    begun_ = std::chrono::steady_clock::now();
    if (now_.durable)
      ask(now_.to, "echo", payload_, then{"answered"});
    else
      tell(now_.to, "ping", payload_, {qos::at_most_once});
  }
  void back() {
    std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begun_;
    if (gone_++ >= now_.warm_up) times_.push_back(took.count());
    if (times_.size() < now_.count) return begin();
    std::sort(times_.begin(), times_.end());
    result_ = {true, times_[times_.size() / 2], times_[times_.size() * 99 / 100]};
  }

  trips now_;
  std::string payload_;
  std::uint64_t gone_ = 0;
  std::vector<double> times_;
  std::chrono::steady_clock::time_point begun_;
  trips_result result_;
};
KITH_AGENT_AS(bench_traveller, "bench.traveller");

struct bench_echo : agent {
  using agent::agent;
  void setup() override {
    on("ping", [this](const std::string& text, const message& m) {
      tell(m.from(), "pong", text, {qos::at_most_once});
    });
    on("echo", [](const std::string& text) { return text; });
  }
};
KITH_AGENT_AS(bench_echo, "bench.echo");

} // namespace

void link_round_trip_agents() {} // referred to by the command, so that the linker keeps the types

} // namespace kith::bench
