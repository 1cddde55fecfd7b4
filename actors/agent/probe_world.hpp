// What is around an agent in a probe: a mailbox of one, in memory.
#pragma once

#include "actors/agent/task_run.hpp"

#include <kith/test.hpp>
#include <stdexcept>

namespace kith::test {

inline did example(const std::string& name) { return did::parse("did:example:" + name).value(); }

struct probe_base::world final : agent_host {
  agent_registration::factory make;
  agent_identity identity;
  std::int64_t now_ms = start_ms;
  seeded_random chance{1};
  uuid_generator ids;
  stored_cells cells;
  std::vector<sent_message> sent;
  std::vector<spawned_agent> spawned;
  std::set<did> watched;
  std::vector<std::string> logged;
  did sender = example("sender");
  std::size_t spawn_count = 0;
  bool stopped = false;
  bool overloaded = false;
  timer_table set_timers;
  std::optional<std::pair<timer_table::entry*, timer_table::firing>> firing; // whose turn is run
  std::unique_ptr<agent_instance> instance;
  // Handlers that await something: what a node would store of them, and what it has in memory.
  struct suspended {
    byte_array<16> origin{};
    std::unique_ptr<detail::kept_message> message;
    std::vector<records::segment> journal;
    std::map<records::step_ref, records::step_begun> awaited; // time and once
    std::unique_ptr<detail::task_run> run;                    // destroyed before the instance
  };
  std::map<std::uint64_t, suspended> handlers; // by number, oldest first
  std::uint64_t handler_count = 0;

  result<std::optional<bytes>> load_cell(std::string_view name) override {
    auto found = cells.find(std::string(name));
    return found == cells.end() ? std::nullopt : std::optional(found->second);
  }
  uuid make_id() override { return ids.next(now_ms, chance); }
  std::uint64_t random() override { return chance.next(); }
  bool admits(emission::type, std::size_t) override { return !overloaded; }
  result<did> prepare_agent(std::string_view, std::string_view) override {
    return example("spawned-" + std::to_string(++spawn_count));
  }
  result<did> resolve_node(std::string_view node) override {
    return node.starts_with("did:") ? did::parse(node)
                                    : did::parse("did:example:" + std::string(node));
  }
  void log(log_level, std::string_view text) override { logged.emplace_back(text); }
  const timer_table& timers() const override { return set_timers; }

  void store(const turn_outcome& done) {
    for (const auto& cell : done.cells)
      cells[std::string(cell.name)] = to_bytes(as_bytes(cell.bytes));
  }
  // What a committed turn makes of the timers.
  void retime(turn_outcome& done) {
    if (auto f = std::exchange(firing, std::nullopt)) set_timers.consume(*f->first, f->second);
    for (auto& [id, change] : done.timers) {
      if (change)
        set_timers.set(std::move(*change));
      else
        set_timers.cancel(id);
    }
    if (done.stop) set_timers.clear();
  }
  time_point instant() const { return time_point(std::chrono::milliseconds(now_ms)); }
  std::uint64_t next_handler() const { return handler_count + 1; }
  // A segment of a handler is committed; 0: of a new one. Its number.
  std::uint64_t went_on(std::uint64_t number, task_outcome& t);
  void failed(std::uint64_t number, turn_status how);
  // The timer that is due first, and whose; 0 for none.
  std::pair<std::uint64_t, std::int64_t> next_timer() const;
  void activate() {
    for (auto& [number, h] : handlers) h.run.reset();
    instance.reset();
    auto made = agent_instance::create(make, identity, *this, now_ms);
    if (!made) throw std::runtime_error(made.error().what());
    instance = std::move(*made);
    store(instance->outcome());
    instance->commit();
  }
};

} // namespace kith::test
