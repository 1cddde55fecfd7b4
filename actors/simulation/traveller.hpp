// A walker that does all that an agent can: it waits in handlers, pays once, sets timers, and
// crashes. For walkers.cpp.
#pragma once

#include "actors/simulation/walker.hpp"

namespace kith::simulation {

struct trip {
  std::string first, second; // whom to ask
  int number = 0;
  int pause_ms = 0;
};
KITH_DESCRIBE(trip, first, second, number, pause_ms);
struct alarm {
  std::string id;
  int after_ms = 0;
};
KITH_DESCRIBE(alarm, id, after_ms);

// The world outside of a run, which no crash undoes: what was paid for, by idempotency key.
struct outside {
  std::map<std::string, int> calls;
  int again = 0; // of a step whose result was on record
};

struct traveller : walker {
  traveller(agent_core& core, outside& world) : walker(core), world_(world) {}

  void also(const std::string& to, int number) override {
    if (number % 4 != 2) return;
    asked.set(asked.get() + 1);
    auto context = std::to_string(number);
    ask(to, "double", number, then{"doubled"}, {.context = context});
  }
  void setup() override {
    walker::setup();
    on("double", [](int n) { return 2 * n; });
    on_answer("doubled", [this](const answer& a) {
      answered.set(answered.get() + 1);
      // Cut off for too long, or a clock jumped over the deadline.
      if (a.status() == ask_status::timeout || a.status() == ask_status::expired) return;
      if (!a.ok() || a.as<int>() != 2 * std::stoi(std::string(a.context()))) is_wrong();
    });
    on("slowly", [this](int n) -> task<int> {
      co_await sleep(20 + n % 200);
      co_return 2 * n;
    });
    on("trip", [this](const trip& t) { return travel(t); });
    on("alarm", [this](const alarm& a) { after(a.id, a.after_ms, "ring"); });
    on("ring", [this] { rings.set(rings.get() + 1); });
    on("stumble", [this] { crash("stumbled"); });
  }
  task<> travel(trip t) {
    co_await pay("fare");
    auto [a, b] = co_await all(ask<int>(t.first, "double", t.number, 60'000),
                               ask<int>(t.second, "slowly", t.number + 1, 60'000));
    check(a, 2 * t.number);
    check(b, 2 * t.number + 2);
    for (int i = 0; i < 2; ++i) {
      co_await any(ask<int>(t.second, "slowly", 7), sleep(t.pause_ms)); // the loser is cancelled
      co_await pay("toll");
    }
    trips.set(trips.get() + 1);
  }
  task<> pay(std::string what) {
    const auto key = co_await once(what, [this](std::string_view k) {
      const std::string used(k);
      ++world_.calls[used];
      if (paid.get().contains(used)) ++world_.again;
      return used;
    });
    paid.update([&](auto& all) { ++all[key]; });
  }
  void check(const asked<int>& a, int should) {
    if (a.status() == ask_status::timeout || a.status() == ask_status::expired) return;
    if (!a.ok() || a.value() != should) is_wrong();
  }
  void is_wrong() { wrong.set(wrong.get() + 1); }

  durable<int> asked{*this, "asked"}, answered{*this, "answered"};
  durable<int> trips{*this, "trips"}, rings{*this, "rings"};
  durable<std::map<std::string, int>> paid{*this, "paid"};

private:
  outside& world_;
};

} // namespace kith::simulation
