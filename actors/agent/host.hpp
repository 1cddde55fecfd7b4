// How something hosts an agent: the mailbox in a node, the probe in a test. The host hands in one
// message or answer at a time; the instance runs the handler, catches whatever it throws, and hands
// back all that the turn did, for the host to commit as one. Nothing here knows the store, the
// network or CAF.
#pragma once

#include "actors/agent/timer_table.hpp"
#include "runtime/base/uuid.hpp"
#include "runtime/stream/handler_records.hpp"
#include "runtime/stream/qos.hpp"

#include <kith/registration.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kith {

namespace detail {
class task_run; // actors/agent/task_run.hpp
}

// What one turn may do; past it the turn fails (status threw), and nothing of it takes effect.
struct turn_limits {
  static constexpr std::size_t emissions_max = 100'000;
  static constexpr std::size_t bytes_max = 64
                                           << 20; // of emissions, reply, cells and spawns together
  static constexpr std::size_t payload_size_max = 16 << 20;
  static constexpr std::size_t context_size_max = 64 << 10;
  static constexpr std::size_t reason_size_max = 1024; // a longer reason is cut
};

struct emission {
  enum class type : std::uint8_t { tell, ask };

  type what = type::tell;
  enum qos qos = qos::exactly_once;
  uuid id;
  did to;
  std::string kind;
  std::string_view content_type; // static storage
  std::string payload;
  std::uint64_t time_to_live_ms = 0; // tell; 0: never expires
  std::string then;                  // ask: the answer handler; empty: a step awaits the answer,
  std::string context;               // and this is step_context() of it
  std::uint64_t deadline_ms = 0;     // ask: from the turn's now
};

// The key that the host made for `agent` is kept when the turn commits, and forgotten if it does
// not.
struct spawn_request {
  did agent;
  std::string type;
  std::string name;
  did owner = {}; // may act as it from outside; only the operator says one
  std::string under;
  enum restart restart = restart::transient;
};

// A cell in its stored form: one byte 1, the version (2 bytes, big-endian), JSON.
struct cell_write {
  std::string_view name; // lives as long as the instance
  std::string bytes;
};

// How a turn ended.
enum class turn_status : std::uint8_t {
  done,
  refused, // by the handler, for its payload, or because there is no handler: final, not to be
           // tried again
  threw,   // to be tried again (semantics.md 11)
  crashed, // by the handler's own word: final, and the agent ends its life
};

// What a turn of a coroutine left behind.
struct task_outcome {
  task_outcome();
  task_outcome(task_outcome&&) noexcept;
  task_outcome& operator=(task_outcome&&) noexcept;
  ~task_outcome();

  bool suspended = false; // it awaits something; otherwise the handler has ended
  // The handler itself, after its first segment. The host keeps it, and destroys it before the
  // agent.
  std::unique_ptr<detail::task_run> started;
  records::segment journal;    // what the host stores, to run the handler again
  std::vector<uuid> cancelled; // asks whose answer nobody awaits any more
};

// The context of an ask that a step awaits.
std::string step_context(const records::step_ref& at);
std::optional<records::step_ref> parse_step_context(std::string_view context);

// All that a turn did; unless it is done, only status and reason are set. Valid until the next call
// on the instance; the host may move out of it what it wants.
struct turn_outcome {
  turn_status status = turn_status::done;
  bool expired = false; // refused, because nobody waits for its answer: the deadline passed
  std::string reason;
  // What travels back to the asker: always there when a message that wants an answer is done (empty
  // text if the handler said nothing), never for others.
  std::optional<encoded> reply;
  std::vector<emission> emissions; // in the order in which they were made
  std::vector<spawn_request> spawns;
  std::vector<std::pair<did, bool>> watching; // begun (true) and ended, in order
  timer_changes timers;                       // those set and those cancelled
  std::span<const cell_write> cells;          // those that changed
  bool stop = false;
  // Who may act as the agent from now on, empty: nobody. Never by a handler: mailbox.hpp.
  std::optional<did> owner;
  std::optional<task_outcome> handler; // of a coroutine that awaited something, now or before
};

// What an agent needs of the world during a turn. Called on the thread that runs the turn, within
// create() and run().
class agent_host {
public:
  virtual ~agent_host() = default;
  // The stored form of one of the agent's cells; nothing if it has none. Called in create() only.
  virtual result<std::optional<bytes>> load_cell(std::string_view name) = 0;
  // UUIDv7, unique.
  virtual uuid make_id() = 0;
  virtual std::uint64_t random() = 0;
  // Whether the agent may emit one more, with `emitted` of that type in this turn already. False:
  // `overloaded`.
  virtual bool admits(emission::type what, std::size_t emitted) = 0;
  // Makes a key for an agent to be: not_found "agent_type" if no such type is registered. Nothing
  // exists before the turn commits.
  virtual result<did> prepare_agent(std::string_view type, std::string_view name) = 0;
  // The system agent of a node named by DID or by name: not_found.
  virtual result<did> resolve_node(std::string_view node) = 0;
  virtual void log(log_level level, std::string_view text) = 0;
  // Whether handlers that write what they read before an await are looked for, as simulations do.
  virtual bool seeks_stale_writes() const { return false; }
  // A handler writes a cell that it read in an earlier segment and not in this one, and another
  // turn has changed it since.
  virtual void stale_write(std::string_view /*cell*/, std::string_view /*handler*/) {}
  // The agent's own, without what the turn under way has changed. Called in run() only.
  virtual const timer_table& timers() const = 0;
};

struct agent_identity {
  did self;
  did node;
  std::string name; // as spawned; may be empty
};

struct advertised {
  std::string kind;
  std::string description;
};

// One activated agent. Used by one thread at a time. `host` outlives it.
class agent_instance {
public:
  // Builds the agent, reads its cells and runs setup(): unsupported "cell_version" for a cell that
  // a newer release wrote, corrupt "bad_cell", whatever load_cell failed with, invalid
  // "setup_failed" if anything else was thrown. What setup() changed is staged: outcome() has its
  // cells, to be committed like a turn's.
  static result<std::unique_ptr<agent_instance>> create(agent_registration::factory make,
                                                        agent_identity identity, agent_host& host,
                                                        std::int64_t now_ms);
  ~agent_instance();

  // Runs one turn, start to end, and never throws what the handler throws: that has undone every
  // change, and the instance goes on. What the turn before left staged counts as committed.
  turn_outcome& run(const message& m, std::int64_t now_ms);
  // An answer's turn, by the handler that the ask named. `refused` goes to the ledger alone: for
  // one, there may be no such handler any more.
  turn_outcome& run(const answer& a, std::string_view handler, std::int64_t now_ms);
  // The next segment of a handler that awaits `result`'s step.
  turn_outcome& resume(detail::task_run& handler, const records::step_result& result,
                       std::int64_t now_ms);
  // Runs a handler again, up to the end of its journal: what it did then is not done again.
  // Conflict "replay_diverged", with both paths: it is not the handler that wrote this journal.
  result<std::unique_ptr<detail::task_run>> replay(const message& m,
                                                   std::span<const records::segment> journal);
  // Runs the function of a once that the handler awaits, outside of any turn. Unavailable
  // "step_failed": it threw.
  result<encoded> call_once(detail::task_run& handler, const records::step_ref& at,
                            std::string_view key);
  turn_outcome& run(const down& d, std::int64_t now_ms);
  // Of the last turn, or of setup.
  turn_outcome& outcome();

  // The end of a turn that is done: its changes stand, or are undone because the host could not
  // keep them. Without either, the next run commits.
  void commit();
  void roll_back();

  // While a handler awaits something, no other message is to be handled.
  bool exclusive() const;
  const agent_identity& identity() const;
  agent& get();
  std::vector<std::string> kinds() const; // that have handlers, sorted
  const std::vector<advertised>& advertisements() const;

private:
  agent_instance();
  std::unique_ptr<agent_core> core_; // outlives agent_
  std::unique_ptr<agent> agent_;
};

} // namespace kith
