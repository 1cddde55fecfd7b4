// One agent's mailbox, as decisions: which turn comes next, what one commit holds, and what may
// leave the node once that commit is durable (semantics.md 10 to 13). Pure: it is told what arrived
// and what became durable, and answers with steps; the actor around it submits them to the journal.
// Parts: inbox (what came), outbox (what leaves), asks.
#pragma once

#include "actors/agent/host.hpp"
#include "actors/base/watchdog.hpp"
#include "actors/mailbox/asks.hpp"
#include "actors/mailbox/inbox.hpp"
#include "actors/mailbox/outbox.hpp"
#include "actors/mailbox/pending_mail.hpp"
#include "runtime/base/random.hpp"

#include <set>

namespace kith {

// Who lives in the mailbox.
struct tenant {
  did self;
  kith::epoch epoch = 1;
  kith::incarnation incarnation = 0;
  // Shared with the node's delegations, which outlive a crash of the mailbox. Null: the DID lives
  // outside of any node, its mailbox has no tenant, and `spoken_for` is its own word about that.
  std::shared_ptr<const secret_key> key;
  std::string type;
  std::string name;
  std::optional<delegation> spoken_for;
  did owner;              // may act as it from outside; empty: nobody may
  std::string supervisor; // that the program declares; empty: the node's own
  enum restart restart = restart::transient;
  std::uint64_t order = 0; // of its birth
  bool outside() const { return key == nullptr; }
};

// An agent that a turn spawns.
struct newborn {
  did self;
  secret_key key;
  std::string type;
  std::string name;
  did owner = {};
  std::string under = {};
  enum restart restart = restart::transient;
};

// What the node does in the turn of a message of a kind that begins with "kith.".
struct system_turn {
  encoded reply;
  std::optional<newborn> born = {};
  std::optional<did> owner = {}; // of the agent whose mailbox it is; empty: nobody
};

// One commit, and what it lets out.
struct mailbox_step {
  std::uint64_t number = 0; // counts this mailbox's steps
  store::write_batch batch;

  // At once: the recipient's own commits come after this one in the same journal.
  std::vector<std::pair<did, local_arrival::item>> local;

  // Once the batch, and all before it, is durable:
  std::vector<outbox::emitted> remote;
  std::vector<std::pair<did, envelope>> unchained; // QoS 0, here or elsewhere
  std::vector<stream_position> positions;          // acks and credit for links
  std::vector<std::function<void()>> released;
  bool stop = false;    // the agent asked to end
  std::string crash;    // or crashed, and this is why,
  std::string culprit;  // and what it was handling, for people
  bool barrier = false; // goes through the journal even with nothing to store

  bool empty() const {
    return batch.empty() && local.empty() && remote.empty() && unchained.empty() &&
           positions.empty() && released.empty() && !stop && crash.empty() && !barrier;
  }
};

class mailbox {
public:
  // What a mailbox needs of the node. All of it outlives the mailbox.
  struct environment {
    const clock& time;
    random_source& random;
    store::backend& disk;
    std::function<bool(const did&)> is_local;
    // What the two ends of a stream within this node share (router.hpp).
    flow_finder flow;
    // Puts a new agent into the batch of the turn that spawns it; the node starts it when the step
    // is released.
    did node;
    std::function<result<did>(std::string_view node)> resolve_node;
    // Puts a new agent into the step of the turn that spawns it, and counts it as local from then
    // on; the node starts it when the step is released.
    std::function<result<void>(newborn, mailbox_step&)> spawn;
    // Notes in the step that the agent ended itself, so that no later start wakes it.
    std::function<result<void>(mailbox_step&)> retire;
    std::function<void(log_level, std::string_view)> log;
    // Takes the turns of kinds that begin with "kith.", as far as the node knows them; a failure
    // refuses the message. May be empty.
    std::function<std::optional<result<system_turn>>(const message&)> system;
    // A message for a DID outside is durable at this position of its mailbox. Any thread; may be
    // empty.
    std::function<void(const did&, sequence position)> kept;
    // The tenant watches that agent, or no longer: called when that is durable, and for each of
    // them when the agent was activated. Any thread; may be empty.
    std::function<void(const did& watched, bool on)> watch;
    // Where turns are noted while they run; shared with the node's watchdog. May be null.
    std::shared_ptr<turn_watch> turns;
  };

  mailbox(tenant who, const mailbox_limits& limits, environment env);
  ~mailbox();

  // Brings streams, asks and the agent back from the store. Errors: those of the store; unsupported
  // or corrupt if a record or a cell does not decode; whatever setup() of the agent reports.
  result<void> activate(bool unclean);

  // ---- what happens to it
  void arrived(arrival& a);
  void arrived(local_arrival& a);
  void arrived(volatile_arrival& a);
  void overflowed(); // a local sender left something in the queue on disk
  void asked_position(const position_query& q);
  void acknowledged(const stream_acked& a);
  void ingress(kith::ingress request);
  void taken_by_owner(pending_ack a);
  void watch_again();     // tells the node of all that the agent watches
  void went_down(down d); // one that the agent watches; of one agent the last is kept
  void durable(std::uint64_t step_number);
  void stop() { stopping_ = true; }

  // Runs turns until a bound and says what to commit; empty if there is nothing to do now.
  mailbox_step run();
  // A step with nothing but trimming and records is wanted before the mailbox goes.
  mailbox_step settle();
  std::optional<time_point> next_wake() const;
  // Nothing waits, runs or is under way.
  bool idle() const;
  mailbox_report report();
  // Streams that a link may carry, opened or restored since the last call.
  std::vector<std::shared_ptr<out_stream>> take_opened() { return outbox_.take_opened(); }
  // QoS 0 envelopes that left since the last call: their room in front of the actor is free again.
  struct taken {
    std::size_t count = 0, size = 0;
    std::size_t dropped = 0; // of them: the mail of a DID outside was full
  };
  taken take_unchained_taken() { return std::exchange(unchained_taken_, {}); }
  const tenant& who() const { return who_; }

private:
  // mailbox.cpp
  void load_behind();
  bool answers_wait() const; // for the sync of a mark
  void load_local_streams(bool unclean);
  result<void> load_streams(bool unclean);
  void note_positions(mailbox_step& step);
  void note_position(mailbox_step& step, in_stream& s, bool rewind);

  // mailbox_agent.cpp
  class tenant_host;
  result<void> wake_agent();
  void describe_agent(mailbox_report& r) const;
  result<void> load_owner();
  result<void> give_owner(const did& to, mailbox_step& step);
  result<void> apply(turn_outcome& outcome, mailbox_step& step);
  void send(emission& e, mailbox_step& step);
  void emit(const did& to, const envelope_fields& f, mailbox_step& step);
  result<void> check_entering(const kith::ingress& r, const envelope_fields& f, bool own_id) const;
  void admit(kith::ingress& request, mailbox_step& step);

  // mailbox_watch.cpp
  result<void> load_watches();
  result<std::set<did>> watches_after(const turn_outcome& outcome) const;
  void rewatch(const turn_outcome& outcome, std::set<did> next, mailbox_step& step);
  void tell_of_downs(mailbox_step& step);
  bool tell_of(const down& d, std::uint32_t& attempts, mailbox_step& step);

  // mailbox_pending.cpp
  result<void> check_word(const envelope_fields& f, bool own_id) const;
  void keep(in_stream& s, mailbox_step& step);
  void keep(const envelope& e, mailbox_step& step);
  void take_acks(mailbox_step& step);

  // mailbox_turn.cpp
  enum class turn : std::uint8_t { consumed, blocked };
  bool may_run(in_stream& s, mailbox_step& step);
  turn take(in_stream& s, mailbox_step& step);
  turn take_request(in_stream& s, mailbox_step& step);
  turn take_answer(in_stream& s, mailbox_step& step);
  void take_unchained(const volatile_arrival::item& item, mailbox_step& step);
  turn_outcome& run_message(const envelope& e, const did& from);
  turn_outcome& run_system(result<system_turn> said);
  turn_outcome& run_answer(const pending_ask& ask, const did& from, ask_status status,
                           const envelope* e);
  void fire_overdue(mailbox_step& step);
  void answer(const envelope& request, const did& to, answer_status status,
              std::string_view content_type, std::string_view payload, mailbox_step& step);
  void finish(in_stream& s, disposition d, const std::string& reason, mailbox_step& step);
  turn failed(in_stream& s, const std::string& reason, mailbox_step& step);
  turn died(in_stream& s, const std::string& reason, std::uint32_t attempts, mailbox_step& step);
  void crash(const std::string& reason, std::string culprit, mailbox_step& step);
  void dead_letter(const envelope& e, const std::string& reason, std::uint32_t attempts,
                   mailbox_step& step);
  void note_notice(const envelope& notice, const did& from, mailbox_step& step);

  tenant who_;
  keys::agent_key key_;
  mailbox_limits limits_;
  environment env_;
  std::unique_ptr<tenant_host> host_;
  inbox inbox_;
  outbox outbox_;
  asks asks_;
  std::optional<pending_mail> pending_; // only of a DID outside
  std::deque<pending_ack> pending_acks_;
  struct pending_down {
    down what;
    std::uint32_t attempts = 0;
    time_point not_before{};
  };
  std::set<did> watches_;
  std::map<did, pending_down> notices_; // of those alone
  uuid_generator ids_;
  std::unique_ptr<agent_instance> agent_;
  std::vector<std::pair<std::string, std::string>>
      setup_cells_; // what setup() changed, for the first step
  turn_outcome system_outcome_;
  bool unclean_ = false;
  bool stopping_ = false;   // takes no further turn: the node drains, or the agent ended itself
  bool overflowed_ = false; // local streams are to be looked for on disk,
  std::uint64_t rescan_at_ =
      0; // once this step is durable, and with it what their senders had submitted; 0: none
  bool rescan_ = false; // now

  wall_ms wall_ = 0;          // as of the running step
  std::uint64_t step_ = 1;    // the number of the step being made
  std::uint64_t durable_ = 1; // steps up to here are durable; 1 is what the store held at the start
  std::deque<volatile_arrival::item> unchained_;
  taken unchained_taken_;
  std::deque<kith::ingress> ingress_;
  std::unordered_map<uuid, std::uint64_t> ingress_ids_; // accepted, not durable yet: by the step
  std::vector<in_stream*> blocked_;                     // until something is durable
  // Ordered by what they are and not by where they lie, so that two runs are the same.
  struct by_key {
    bool operator()(const in_stream* a, const in_stream* b) const { return a->key < b->key; }
  };
  std::set<in_stream*, by_key> positions_; // whose sender is to be told
  std::set<in_stream*, by_key> rewinds_;
};

} // namespace kith
