// The agents of the row about durable steps: workers whose handlers do nothing but once(), and a
// foreman who keeps many of these handlers under way.
#include <chrono>
#include <kith/kith.hpp>
#include <kith/steps.hpp>
#include <kith/task.hpp>

namespace kith::bench {

namespace {

struct job {
  std::vector<kith::did> workers;
  std::uint64_t handlers = 0; // under way at each worker
  std::uint64_t steps = 0;    // of each handler
};
KITH_DESCRIBE(job, workers, handlers, steps);

struct job_result {
  bool done = false;
  double us_each = 0; // of a step
};
KITH_DESCRIBE(job_result, done, us_each);

struct bench_foreman : agent {
  using agent::agent;

  void setup() override {
    on("go", [this](const job& j) {
      now_ = j;
      waiting_ = j.handlers * j.workers.size();
      result_ = {};
      begin_ = std::chrono::steady_clock::now();
      for (std::uint64_t i = 0; i < j.handlers; ++i)
        for (const auto& w : j.workers) tell(w, "work", j.steps);
    });
    on("did", [this] {
      if (--waiting_ > 0) return;
      std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin_;
      auto steps = double(now_.handlers) * double(now_.workers.size()) * double(now_.steps);
      result_ = {true, took.count() / steps};
    });
    on("result", [this] { return result_; });
  }

private:
  job now_;
  std::uint64_t waiting_ = 0;
  std::chrono::steady_clock::time_point begin_;
  job_result result_;
};
KITH_AGENT_AS(bench_foreman, "bench.foreman");

struct bench_worker : agent {
  using agent::agent;

  void setup() override {
    on("work", [this](std::uint64_t steps, const message& m) -> task<> {
      for (std::uint64_t i = 0; i < steps; ++i) co_await once("step", [this] { ++calls_; });
      tell(m.from(), "did");
    });
  }

private:
  std::uint64_t calls_ = 0;
};
KITH_AGENT_AS(bench_worker, "bench.worker");

} // namespace

void link_step_agents() {} // referred to by the command, so that the linker keeps the types

} // namespace kith::bench
