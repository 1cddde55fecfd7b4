// Agents that make trouble on purpose, and one that asks: what scenarios.py plays with.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <kith/kith.hpp>
#include <stdexcept>
#include <thread>

namespace e2e {

// Adds what it could handle; throws, hangs or ends the whole process when told so.
struct troubled : kith::agent {
  using agent::agent;

  void setup() override {
    on("work", [this](std::int64_t n) { sum.set(sum.get() + n); });
    on("throw", [this](std::int64_t n) {
      sum.set(sum.get() + n); // undone with the turn
      throw std::runtime_error("this handler always throws");
    });
    on("throw later", [this](std::int64_t ms) -> kith::task<> {
      co_await sleep(ms);
      throw std::runtime_error("this handler throws later");
    });
    on("crash", [this](std::int64_t n) {
      sum.set(sum.get() + n);
      std::abort();
    });
    on("refuse", [this](std::int64_t n) {
      sum.set(sum.get() + n);
      refuse("this handler always refuses");
    });
    on("hang", [](std::int64_t ms) {
      std::this_thread::sleep_for(std::chrono::milliseconds(ms)); // as a handler must not
    });
    on("sum", [this] { return sum.get(); });
  }

private:
  kith::durable<std::int64_t> sum{*this, "sum", 0};
};
KITH_AGENT(troubled);

// Throws in every turn but those that say how often it did.
struct thrower : kith::agent {
  using agent::agent;

  void setup() override {
    on("flood", [this](std::int64_t count) {
      constexpr std::int64_t at_once = 1000;
      const auto rest = std::max<std::int64_t>(count - at_once, 0);
      while (count > rest && tell(self(), "throw")) --count;
      if (count > 0) after("flood", 1, "flood", count); // more, or what had no room
    });
    on("throw", [this] {
      ++thrown; // not a durable: it stays
      throw std::runtime_error("one of very many");
    });
    on("thrown", [this] { return thrown; });
  }

private:
  std::int64_t thrown = 0;
};
KITH_AGENT(thrower);

struct flood {
  int count = 0;
  std::int64_t until = 0; // milliseconds since the Unix epoch
};
KITH_DESCRIBE(flood, count, until);

struct sleeper_report {
  int naps = 0, awake = 0; // begun, ended
};
KITH_DESCRIBE(sleeper_report, naps, awake);

// Has very many handlers that wait.
struct sleeper : kith::agent {
  using agent::agent;

  void setup() override {
    on("flood", [this](const flood& f) {
      constexpr int at_once = 1000;
      for (int i = 0; i < std::min(f.count, at_once); ++i) tell(self(), "nap", f.until);
      if (f.count > at_once) tell(self(), "flood", flood{f.count - at_once, f.until});
    });
    on("nap", [this](std::int64_t instant) -> kith::task<> {
      naps.update([](int& n) { ++n; });
      if (instant > now()) co_await until(instant);
      awake.update([](int& n) { ++n; });
    });
    on("report", [this] { return sleeper_report{naps.get(), awake.get()}; });
  }

private:
  kith::durable<int> naps{*this, "naps"};
  kith::durable<int> awake{*this, "awake"};
};
KITH_AGENT(sleeper);

// Adds, and has nothing to do most of the time.
struct napper : kith::agent {
  using agent::agent;

  void setup() override {
    on("add", [this](int n) { sum.update([n](int& s) { s += n; }); });
    on("sum", [this] { return sum.get(); });
  }

private:
  kith::durable<int> sum{*this, "sum"};
};
KITH_AGENT(napper);

// Spawns very many of them.
struct nursery : kith::agent {
  using agent::agent;

  void setup() override {
    on("raise", [this](int count) {
      constexpr int at_once = 200;
      for (int i = 0; i < std::min(count, at_once); ++i) spawn("napper");
      raised.update([n = std::min(count, at_once)](int& r) { r += n; });
      if (count > at_once) tell(self(), "raise", count - at_once);
    });
    on("raised", [this] { return raised.get(); });
  }

private:
  kith::durable<int> raised{*this, "raised"};
};
KITH_AGENT(nursery);

struct question {
  kith::did whom;
  std::string kind;
  std::int64_t deadline_ms = 0;
};
KITH_DESCRIBE(question, whom, kind, deadline_ms);

struct heard {
  int asked = 0;
  int answers = 0; // how often the handler of answers ran
  std::string status;
  std::string text;
  std::string context;
};
KITH_DESCRIBE(heard, asked, answers, status, text, context);

struct asker : kith::agent {
  using agent::agent;

  void setup() override {
    on("question", [this](const question& q) {
      notes.update([](heard& h) { ++h.asked; });
      ask(q.whom, q.kind, std::string_view(), then{"answered"},
          {.deadline_ms = std::uint64_t(q.deadline_ms), .context = "kept with the ask"});
    });
    on_answer("answered", [this](const answer& a) {
      notes.update([&](heard& h) {
        ++h.answers;
        h.status = to_string(a.status());
        h.text = a.ok() ? a.text() : a.reason();
        h.context = a.context();
      });
    });
    on("report", [this] { return notes.get(); });
  }

private:
  kith::durable<heard> notes{*this, "heard"};
};
KITH_AGENT(asker);

} // namespace e2e
