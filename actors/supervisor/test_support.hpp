// A supervisor with children that do as they are told, under CAF's deterministic scheduler and a
// clock that stands still.
#pragma once

#include "actors/supervisor/supervisor.hpp"

#include <caf/scheduler/test_coordinator.hpp>

namespace kith::supervising {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Any three messages do.
using crash = link_tick;
using finish = cluster_tick;   // ends in order, by itself
using die_late = mailbox_tick; // ignores the stop that follows

struct child_log {
  std::vector<std::string> lines;  // the stops alone
  std::vector<std::string> events; // starts and stops
  void clear() { lines.clear(), events.clear(); }
};

inline caf::behavior child(caf::event_based_actor* self, std::string name, child_log* log) {
  auto stubborn = std::make_shared<bool>(false); // by both handlers
  return {[=](crash) { self->quit(caf::make_error(caf::sec::runtime_error, name + " broke")); },
          [=](finish) { self->quit(); }, [=](die_late) { *stubborn = true; },
          [=](const stop_child& s) {
            log->lines.push_back("stop " + name + (s.drain ? "" : " at once"));
            log->events.push_back(log->lines.back());
            if (!*stubborn) self->quit();
          }};
}

struct fixture {
  fixture() {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
  }
  ~fixture() {
    if (boss) caf::anon_send_exit(boss, caf::exit_reason::kill);
    for (auto& [name, a] : actors) caf::anon_send_exit(a, caf::exit_reason::kill);
    actors.clear();
    boss = nullptr;
    run();
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler());
  }
  void run() {
    while (scheduler().try_run_once()) {
    }
  }
  // Both clocks at once.
  void pass(duration d) {
    time.advance(d);
    scheduler().advance_time(std::chrono::duration_cast<caf::timespan>(d));
    run();
  }
  void supervise(supervisor_options options = {}) {
    options.path = "root";
    boss = system->spawn<supervisor>(std::move(options),
                                     supervisor_ports{time, random, view, {}, &metrics});
    run();
  }
  void supervise(enum strategy how, std::uint32_t intensity_max = 5) {
    supervisor_options options;
    options.strategy = how;
    options.escalates = true;
    options.limits.intensity_max = intensity_max;
    supervise(std::move(options));
  }
  child_spec spec(const std::string& name, enum restart restart = restart::transient) {
    child_spec spec;
    spec.name = name;
    spec.kind = "child";
    spec.restart = restart;
    spec.start = [this, name](caf::actor_system& s) {
      ++starts[name];
      log.events.push_back("start " + name);
      if (failing.count(name) != 0) throw std::runtime_error("cannot start");
      return actors[name] = s.spawn(child, name, &log);
    };
    spec.gave_up = [this, name](const std::string& why) { gave_up[name] = why; };
    return spec;
  }
  void add(child_spec s) {
    caf::anon_send(boss, std::move(s));
    run();
  }
  void add(const std::string& name, enum restart restart = restart::transient) {
    add(spec(name, restart));
  }
  // One that runs already, as a node does with an agent that it woke.
  caf::actor adopt(const std::string& name) {
    auto woken = actors[name] = system->spawn(child, name, &log);
    caf::anon_send(boss, adopt_child{spec(name), woken});
    run();
    return woken;
  }
  void fall_asleep(const std::string& name) {
    caf::anon_send(boss, child_sleeps{name, actors[name]});
    run();
  }
  void tell(const std::string& name, auto what) {
    caf::anon_send(actors[name], what);
    run();
  }
  std::string state(const std::string& path) {
    for (auto& [p, e] : view.list())
      if (p == path) return e.state;
    return "";
  }
  std::string reason(const std::string& path) {
    for (auto& [p, e] : view.list())
      if (p == path) return e.reason;
    return "";
  }

  manual_clock time;
  seeded_random random{2};
  observe::registry metrics;
  tree_view view;
  child_log log;
  std::map<std::string, int> starts;
  std::map<std::string, caf::actor> actors;
  std::map<std::string, std::string> gave_up;
  std::set<std::string> failing;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::actor boss;
};

} // namespace kith::supervising
