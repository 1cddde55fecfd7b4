// The agents that `kith bench` loads a cluster with: a source that keeps a window of messages
// unconfirmed, and a sink that confirms every eighth of it.
#include <chrono>
#include <kith/kith.hpp>

namespace kith::bench {

namespace {

struct order {
  kith::did sink;
  std::uint64_t count = 0;
  std::uint64_t payload_size = 128;
  std::uint64_t window = 16'384;
  int quality = 2;
};
KITH_DESCRIBE(order, sink, count, payload_size, window, quality);

struct outcome {
  bool done = false;
  double rate = 0; // messages a second, from the first sent to the last confirmed
  std::uint64_t confirmed = 0;
};
KITH_DESCRIBE(outcome, done, rate, confirmed);

// Plain members, not durable ones: what is measured is the way of the message.
struct bench_source : agent {
  using agent::agent;

  void setup() override {
    on("go", [this](const order& o) {
      now_ = o;
      payload_ = std::string(o.payload_size, 'x');
      sent_ = confirmed_ = 0;
      result_ = {};
      begin_ = std::chrono::steady_clock::now();
      tell(o.sink, "begin", o.window / 8, {quality()});
      fill();
    });
    on("more", [this] { fill(); });
    on("got", [this](std::uint64_t n) {
      confirmed_ += n;
      if (confirmed_ < now_.count) return fill();
      std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin_;
      result_ = {true, double(now_.count) / took.count(), confirmed_};
    });
    on("result", [this] { return result_; });
  }

private:
  enum qos quality() const { return kith::qos(now_.quality); }
  // A turn sends so many at most, so that confirmations are heard in between.
  static constexpr std::uint64_t portion = 1024;
  void fill() {
    for (std::uint64_t n = 0; sent_ < now_.count && sent_ - confirmed_ < now_.window; ++n) {
      if (n == portion) {
        tell(self(), "more", "", {quality()}); // not to be lost where nothing else is
        return;
      }
      tell(now_.sink, "item", payload_, {quality()});
      ++sent_;
    }
  }

  order now_;
  std::string payload_;
  std::uint64_t sent_ = 0, confirmed_ = 0;
  std::chrono::steady_clock::time_point begin_;
  outcome result_;
};
KITH_AGENT_AS(bench_source, "bench.source");

struct bench_sink : agent {
  using agent::agent;

  void setup() override {
    on("begin", [this](std::uint64_t confirm_every) {
      confirm_every_ = confirm_every;
      received_ = 0;
    });
    on("item", [this](const message& m) {
      bytes_ += m.payload().size();
      if (++received_ % confirm_every_ == 0) tell(m.from(), "got", confirm_every_);
    });
  }

private:
  std::uint64_t confirm_every_ = 1, received_ = 0, bytes_ = 0;
};
KITH_AGENT_AS(bench_sink, "bench.sink");

// Takes what comes from outside, and says nothing.
struct bench_drain : agent {
  using agent::agent;
  void setup() override {
    on("drop", [](const std::string&) {});
  }
};
KITH_AGENT_AS(bench_drain, "bench.drain");

} // namespace

void link_agents() {} // referred to by the command, so that the linker keeps the types

} // namespace kith::bench
