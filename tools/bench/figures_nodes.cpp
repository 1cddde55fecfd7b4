// Rows about a node itself: what it and its agents weigh, and how soon it is there.
#include "tools/bench/bench.hpp"
#include "tools/bench/cluster.hpp"
#include "tools/bench/table.hpp"

#include <cstdlib>

namespace kith::bench {

namespace {

constexpr std::size_t portion = 1'000; // agents made by one turn

const setting_variables many_agents{{"KITH_ACTORS_AGENTS_MAX", "1000000"},
                                    {"KITH_LOG_LEVEL", "warn"}};

// A node with so many idle agents in its store, and the one that made them.
struct populated {
  std::unique_ptr<restarted_node> node;
  std::string nursery;
  std::vector<json> agents; // their DIDs, a list for each portion

  static result<populated> make(std::size_t count) {
    populated p;
    KITH_ASSIGN(p.node, restarted_node::make(many_agents));
    KITH_TRY(p.node->start());
    KITH_ASSIGN(p.nursery, p.node->control().spawn("bench.nursery"));
    for (std::size_t made = 0; made < count; made += portion) {
      KITH_ASSIGN(auto list,
                  p.node->control().ask(p.nursery, "make", json(std::min(portion, count - made))));
      p.agents.push_back(std::move(list));
    }
    return p;
  }
  std::string last() const { return agents.back().at(agents.back().size() - 1).as_string(); }
  // Has each run a turn, so that it is active however the node starts them.
  result<void> touch() {
    for (const auto& list : agents) KITH_TRY(node->control().ask(nursery, "touch", list));
    return {};
  }
};

// Resident bytes, once they have stayed within a hundredth for a second.
std::uint64_t settled_bytes(pid_t pid) {
  constexpr int quiet_looks = 10, looks_max = 600;
  auto seen = resident_bytes(pid);
  for (int i = 0, quiet = 0; i < looks_max && quiet < quiet_looks; ++i) {
    pause(std::chrono::milliseconds(100));
    auto now = resident_bytes(pid);
    auto change = now > seen ? now - seen : seen - now;
    quiet = change * 100 <= seen ? quiet + 1 : 0;
    if (quiet == 0) seen = now;
  }
  return resident_bytes(pid);
}

// A fresh process on the store of `p`, with every agent active.
result<std::uint64_t> active_bytes(populated& p) {
  KITH_TRY(p.node->start());
  KITH_TRY(p.touch());
  auto bytes = settled_bytes(p.node->pid());
  KITH_TRY(p.node->stop());
  return bytes;
}

result<double> caf_idle_bytes(std::size_t count) {
  KITH_ASSIGN(auto out, run_process({"bench-caf-idle", std::to_string(count)}));
  return std::atof(out.c_str());
}

result<void> agents_memory(measurement& m) {
  const auto count = m.size<std::size_t>(20'000, 100);
  KITH_ASSIGN(auto many, populated::make(count));
  KITH_ASSIGN(auto none, populated::make(0));
  KITH_TRY(many.node->stop());
  KITH_TRY(none.node->stop());
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("memory of agents", i);
    KITH_ASSIGN(auto with, active_bytes(many));
    KITH_ASSIGN(auto without, active_bytes(none));
    KITH_ASSIGN(auto theirs, caf_idle_bytes(count));
    m.add("memory_agent", double(with - std::min(with, without)) / double(count), theirs);
  }
  m.note("memory_agent", "agents", double(count));
  return {};
}

result<void> node_memory(measurement& m) {
  KITH_ASSIGN(auto node, restarted_node::make({{"KITH_EDGE_LISTEN", "127.0.0.1:0"}}));
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("memory of a node", i);
    KITH_TRY(node->start());
    m.add("memory_node", double(settled_bytes(node->pid())) / (1 << 20));
    KITH_TRY(node->stop());
  }
  return {};
}

// Has all wheels do this, and waits for their answers.
result<void> tell_all(restarted_node& node, const std::vector<std::string>& wheels,
                      const std::string& what) {
  for (const auto& w : wheels) KITH_TRY(node.control().ask(w, what, json()));
  return {};
}

// Under load, killed, and started again: seconds from the process's begin until the first turn of
// an agent in it, which the agent says.
result<double> first_turn_after_kill(restarted_node& node, const std::vector<std::string>& wheels,
                                     duration under_load) {
  KITH_TRY(tell_all(node, wheels, "spin"));
  pause(under_load);
  node.kill();
  KITH_TRY(node.start());
  KITH_ASSIGN(auto at, node.control().ask(wheels.front(), "first_turn", json()));
  KITH_TRY(tell_all(node, wheels, "halt"));
  return std::chrono::duration<double>(duration(at.as_int()) - node.begun().time_since_epoch())
      .count();
}

result<void> starts_round(measurement& m, populated& p, const std::vector<std::string>& wheels) {
  auto& node = *p.node;
  const system_clock clock;
  KITH_ASSIGN(auto ready, node.start());
  if (m.wants("start_stored")) {
    m.add("start_stored", ready);
    KITH_TRY(node.control().ask(p.last(), "add", json(1)));
    m.note("start_stored", "s until the last made of the agents has answered",
           std::chrono::duration<double>(clock.now() - node.begun()).count());
  }
  if (m.wants("start_killed")) {
    auto under_load = m.size(std::chrono::milliseconds(1000), std::chrono::milliseconds(50));
    KITH_ASSIGN(auto first, first_turn_after_kill(node, wheels, under_load));
    m.add("start_killed", first);
  }
  return node.stop();
}

} // namespace

result<void> measure_memory(measurement& m) {
  if (m.wants("memory_agent")) KITH_TRY(agents_memory(m));
  if (m.wants("memory_node")) KITH_TRY(node_memory(m));
  return {};
}

result<void> measure_starts(measurement& m) {
  if (!m.wants_any({"start_stored", "start_killed"})) return {};
  constexpr std::size_t wheel_count = 16;
  KITH_ASSIGN(auto p, populated::make(m.size<std::size_t>(100'000, 100)));
  std::vector<std::string> wheels;
  for (std::size_t i = 0; i < wheel_count; ++i) {
    KITH_ASSIGN(auto w, p.node->control().spawn("bench.wheel"));
    wheels.push_back(std::move(w));
  }
  KITH_TRY(p.node->stop());
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("starts", i);
    KITH_TRY(starts_round(m, p, wheels));
  }
  return {};
}

} // namespace kith::bench
