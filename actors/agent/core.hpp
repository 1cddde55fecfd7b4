// What stands behind an agent: its tables of handlers, its cells, and the turn under way. The
// agent's own functions write into it; agent_instance begins and ends the turns.
#pragma once

#include "actors/agent/task_run.hpp"

#include <functional>
#include <unordered_map>

namespace kith {

// Thrown by refuse() and caught at the turn. Not a std::exception, so that a handler that catches
// those lets it by.
struct refusal {
  std::string reason;
};

// Thrown by crash(); no std::exception either.
struct deliberate_crash {
  std::string reason;
};

// A cell that cannot be read: ends create().
struct activation_failure {
  error why;
};

class agent_core {
public:
  enum class phase : std::uint8_t { constructing, setting_up, idle, turn };

  agent_core(agent_host& h, agent_identity i, std::int64_t now)
      : host(h), identity(std::move(i)), now_ms(now) {}

  // Throws std::logic_error unless the agent is in a turn; `what` is the function's name.
  void require_turn(const char* what) const;
  void require_setup(const char* what) const;
  // Count towards turn_limits; both throw std::length_error past them.
  void charge(std::size_t size);
  void charge_emission(std::size_t size);

  void begin(phase p, std::int64_t now, bool answer_wanted);
  void invoke(const message& m);
  // What a handler that may run again has to find as it was.
  bool admits(emission::type what, std::size_t emitted);
  uuid make_id();
  // What a handler that may run again was told then, of two things.
  bool recall(bool answer) { return run != nullptr ? run->recall(answer) : answer; }
  // Runs `body` as the turn and makes its outcome. Lets no exception out.
  template <class F> turn_outcome& guard(F&& body) {
    try {
      body();
      finish();
    } catch (const refusal& r) {
      abandon(turn_status::refused, r.reason);
    } catch (const deliberate_crash& c) {
      abandon(turn_status::crashed, c.reason);
    } catch (const json_error& e) {
      abandon(turn_status::refused, e.what());
    } catch (const ask_failed& e) { // it would fail as often as it is tried
      abandon(turn_status::refused, e.what());
    } catch (const cancelled& e) {
      abandon(turn_status::refused, e.what());
      outcome.expired = e.by_deadline();
    } catch (const std::exception& e) {
      abandon(turn_status::threw, e.what());
    } catch (...) {
      abandon(turn_status::threw, "an exception that is no std::exception");
    }
    at = phase::idle;
    return outcome;
  }
  void finish();
  std::string stored_form(const detail::cell& c) const;
  // Puts out the question of a step that is awaited.
  void emit_step(const did& to, std::string_view kind, encoded value,
                 const records::step_begun& step, std::int64_t limit_ms);
  void abandon(turn_status status, std::string_view reason);
  void commit() noexcept;
  void roll_back() noexcept;

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  template <class T>
  using by_name = std::unordered_map<std::string, std::unique_ptr<T>, text_hash, std::equal_to<>>;

  agent_host& host;
  agent_identity identity;
  by_name<detail::message_handler> handlers;
  by_name<detail::answer_handler> answer_handlers;
  std::function<void(const down&)> down_handler;
  std::vector<advertised> advertisements;
  std::vector<detail::cell*> cells;

  bool exclusive = false;
  phase at = phase::constructing;
  std::int64_t now_ms;
  bool wants_answer = false;
  std::size_t tells = 0;
  std::size_t asks = 0;
  std::size_t turn_bytes = 0;
  // Of the handler that runs, if it is a coroutine; and that one itself, until its first segment
  // has ended.
  detail::task_run* run = nullptr;
  std::unique_ptr<detail::task_run> fresh;
  std::vector<detail::cell*> seen; // read, by a handler that records what it reads
  std::vector<detail::cell*> dirty;
  std::vector<cell_write> writes; // reused; the outcome shows its first dirty.size()
  turn_outcome outcome;
};

} // namespace kith
