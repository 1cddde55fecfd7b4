// A handler that is a coroutine, in memory: its frames, what they await, and the segment that runs.
// It makes the journal of a segment that runs for the first time, and runs one that is in the
// journal again, with what was read then. Pure: no store, no clock; who hosts the agent keeps the
// journal and brings the results. Used by the agent's thread; destroyed before its agent_instance.
#pragma once

#include "actors/agent/host.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/stream/handler_records.hpp"

#include <kith/joins.hpp>
#include <map>
#include <set>

namespace kith::detail {

// Past these the segment fails; none of it takes effect.
struct task_limits {
  static constexpr std::size_t read_size_max = 256 << 10; // of one durable that it reads
  static constexpr std::size_t awaits_max = 10'000;       // begun in one segment
};

// A message that lives as long as somebody needs it.
struct kept_message {
  explicit kept_message(const kith::message& m);
  kept_message(const kept_message&) = delete;
  kept_message& operator=(const kept_message&) = delete;

private:
  did from_, to_;
  std::string kind_, content_type_, trace_;
  bytes payload_;
  std::string timer_id_;
  std::optional<timer_firing> timer_;

public:
  kith::message message;
};

class task_run {
public:
  explicit task_run(const kith::message& m);
  task_run(const task_run&) = delete;
  task_run& operator=(const task_run&) = delete;
  ~task_run();

  const kith::message& message() const { return kept_.message; }
  bool awaits(const records::step_ref& at) const { return pending_.contains(at); }
  std::size_t awaited_count() const { return pending_.size(); }
  // The once that it awaits there; nothing if it is none.
  std::optional<records::step_begun> awaited_once(const records::step_ref& at) const;
  // The asks that it awaits.
  std::vector<uuid> requests() const;
  std::optional<uuid> request_at(const records::step_ref& at) const;
  std::vector<records::step_ref> awaited() const;
  // What it awaits, for a person.
  std::vector<std::string> waiting_for() const;

  // ---- a segment, in the agent's turn: agent_instance
  // Begins one. `recorded` is the journal's, for one that runs again.
  void begin(agent_core& core, const records::segment* recorded);
  void start(task<> whole);
  void resume(const records::step_result& result);
  // Afterwards: into the outcome, what it did; throws what the handler let out.
  void end(agent_core& core);
  // The first difference between what ran now and what was recorded; empty: none. To be asked at
  // the end of a segment that ran again.
  std::string divergence(agent_core& core) const;
  // Throws what its function throws.
  encoded call(const records::step_ref& at, std::string_view key);

  // ---- for what runs in it
  bool replaying() const { return recorded_ != nullptr; }
  bool ended() const { return whole_ && whole_->get().done(); }
  bool has_reply() const { return reply_.has_value(); }
  bool begin_step(step& s, branch& where);
  void drop(const branch& where);
  void read(agent_core& core, cell& c);
  // Before it writes a cell that this segment has not read.
  void writing(agent_core& core, const cell& c) const;
  bool admits(agent_core& core, emission::type what, std::size_t emitted);
  bool recall(bool answer);
  uuid make_id(std::int64_t now_ms) { return ids_.next(now_ms, id_chance_); }
  std::uint64_t random() { return chance_.next(); }
  // What the host answered, or answers now: `ask` is called for that.
  template <class Ask> result<did> hosted(Ask&& ask) {
    if (replaying()) return hosted_again();
    auto answer = ask();
    segment_.hosted.push_back(answer ? answer->text() : "!" + std::string(answer.error().what()));
    return answer;
  }
  std::uint32_t code_version(std::string_view name, std::uint32_t number);

private:
  result<did> hosted_again();
  void differ(std::string was, std::string now);
  void remember(agent_core& core);

  kept_message kept_;
  branch root_;
  std::optional<task<>> whole_;
  std::map<records::step_ref, step*> pending_;
  std::optional<encoded> reply_; // said before the last segment; it travels with that
  std::map<std::string, std::uint32_t, std::less<>> versions_;
  std::vector<std::string> path_; // the last steps, for a person
  // Cells as an earlier segment read them or left them. Empty unless the host seeks stale writes.
  std::map<std::string, std::string, std::less<>> known_;

  // The segment that runs.
  agent_core* core_ = nullptr;
  const records::segment* recorded_ = nullptr;
  records::segment segment_;
  std::vector<uuid> cancelled_;
  std::map<records::step_ref, uuid> requests_; // of asks that are awaited
  std::uint32_t admissions_ = 0;
  std::size_t hosted_used_ = 0;
  seeded_random chance_{0}, id_chance_{0};
  uuid_generator ids_;
  std::string divergence_;
};

// What names one step of one handler for the world outside: the same each time that it is tried,
// and of no other step. 32 hexadecimal digits.
std::string step_key(const did& agent, const byte_array<16>& origin, const records::step_begun& s);
// For a person: "ask price of did:...", "once pay".
std::string describe(records::step_type type, std::string_view name);

} // namespace kith::detail
