// The handlers of one agent that await something: which there are, which of them are in memory, and
// when they go on by themselves. What they awaited and did is in their journals in the store. Pure:
// no clock, no actor; it writes into the batch it is given.
#pragma once

#include "actors/agent/task_run.hpp"
#include "actors/mailbox/keys.hpp"
#include "actors/mailbox/limits.hpp"
#include "runtime/store/store.hpp"

#include <deque>

namespace kith {

using handler_id = byte_array<16>; // its origin

struct waiting_handler {
  // Both only while it is in memory. `start` stays until `written_by` is durable.
  std::unique_ptr<records::handler_start> start;
  std::unique_ptr<detail::task_run> run;
  std::uint32_t segments = 0; // in its journal
  std::uint32_t bytes = 0;    // of these
  std::uint32_t attempts = 0; // at the segment that a time or a once begins
  std::uint64_t written_by = 1;
  time_point touched{};
};

// What makes a handler go on without a message.
struct due_step {
  handler_id handler{};
  records::step_ref at;
  bool once = false;
  bool expiry = false;     // not a step: the handler is cancelled, if its record still says so
  bool recovered = false;  // a once that may have been under way when the process stopped
  std::uint64_t after = 0; // not before this step of the mailbox is durable
  // What a once gave, while the segment after it is tried again: its function is not.
  std::unique_ptr<records::step_result> result;
};

class handlers {
public:
  handlers(const mailbox_limits& limits, keys::agent_key self) : limits_(limits), self_(self) {}

  // Names the handler that a message began.
  static handler_id origin_of(const stream_key& s, sequence seq);

  // What the store has. Nothing is run.
  result<void> restore(store::backend& disk, wall_ms wall, time_point now);

  waiting_handler* find(const handler_id& id);
  bool has(const handler_id& id) const { return table_.count(id) != 0; }
  waiting_handler& add(const handler_id& id);
  // Another segment, after what `s` began: into its journal, and into what is due.
  void append(const handler_id& id, const records::segment& s, wall_ms wall, time_point now,
              std::uint64_t step, store::write_batch& batch);
  // It is cancelled at the time that its record names.
  void expire_at(const handler_id& id, wall_ms expires, wall_ms wall, time_point now);
  // What each awaits, by its journal: what its segments began, but for what came and what was
  // dropped.
  static std::map<records::step_ref, records::step_begun>
  awaited(const std::vector<records::segment>& journal);
  // Ended: nothing is left of it. Or died: `batch` gets its record, and its journal stays.
  void remove(const handler_id& id, store::write_batch& batch);
  void bury(const handler_id& id, const records::handler_start& dead, store::write_batch& batch);
  // A dead one goes on: what it awaits is due again, and an ask among that without an answer, which
  // `open` does not know any more, is a time-out. Its record is put anew.
  void revive(const records::handler_start& start, const std::vector<records::segment>& journal,
              const std::function<bool(const uuid&)>& open, wall_ms wall, time_point now,
              std::uint64_t step, store::write_batch& batch);
  // The dead ones, each with the id of its message.
  result<void> each_dead(
      store::backend& disk,
      const std::function<void(const uuid& message, const records::handler_start&)>& see) const;
  // Its record and its journal.
  void erase_dead(const handler_id& id, store::write_batch& batch) const;
  // The dead one whose message had this id.
  result<std::optional<records::handler_start>> find_dead(store::backend& disk,
                                                          const uuid& id) const;
  // Its journal, for a replay. The last segment has to be durable.
  result<std::vector<records::segment>> journal(store::backend& disk, const handler_id& id) const;

  // What is to go on now; it is no longer due then.
  std::optional<due_step> next_due(time_point now, std::uint64_t durable);
  void again(due_step s, time_point when);
  // Once `after` is durable.
  void wait(due_step s, std::uint64_t after) {
    s.after = after;
    unsynced_.push_back(std::move(s));
  }
  std::optional<time_point> next_wake() const;
  // Has it in memory, which it was not; has it no longer.
  void keep(waiting_handler& h, std::unique_ptr<detail::task_run> run);
  void let_go(waiting_handler& h);
  // It went on. Those that did not for long leave memory, and so do the oldest past the limit.
  void touch(const handler_id& id, time_point now);
  void evict(time_point now, std::uint64_t durable);

  std::size_t count() const { return table_.size(); }
  std::vector<handler_id> ids() const; // in the order of their bytes
  std::size_t in_memory() const { return in_memory_; }
  bool once_waits() const { return !unsynced_.empty(); }

private:
  struct id_hash {
    std::size_t operator()(const handler_id& id) const {
      std::size_t h;
      std::memcpy(&h, id.data(), sizeof h);
      return h;
    }
  };
  void begin(const handler_id& id, const records::step_begun& b, bool recovered,
             std::uint64_t after, wall_ms wall, time_point now);

  // A due_step in a quarter of its size: an agent may have very many that wait for a time. Most are
  // of the handler's own branch; of others, and of a once, there is the whole.
  struct scheduled {
    explicit scheduled(due_step s);
    due_step unpack() &&;

  private:
    handler_id handler_;
    std::uint32_t ordinal_;
    bool expiry_;
    std::unique_ptr<due_step> whole_;
  };

  const mailbox_limits& limits_;
  keys::agent_key self_;
  std::unordered_map<handler_id, waiting_handler, id_hash> table_;
  std::multimap<time_point, scheduled> due_; // of those that ended meanwhile too, until their time
  std::deque<due_step> unsynced_;            // due once a step is durable, in its order
  std::deque<std::pair<time_point, handler_id>> touched_;
  std::size_t in_memory_ = 0;
};

} // namespace kith
