// One agent's mailbox, as decisions: which turn comes next, what one commit holds, and what may
// leave the node once that commit is durable (semantics.md 10 to 13). Pure: it is told what arrived
// and what became durable, and answers with steps; the actor around it submits them to the journal.
// Parts: inbox (what came), outbox (what leaves), asks, handlers (that await something).
#pragma once

#include "actors/agent/host.hpp"
#include "actors/agent/timer_table.hpp"
#include "actors/base/watchdog.hpp"
#include "actors/mailbox/asks.hpp"
#include "actors/mailbox/handlers.hpp"
#include "actors/mailbox/inbox.hpp"
#include "actors/mailbox/mailbox_metrics.hpp"
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

// A mailbox's own word to one that was asked: what has this correlation is not waited for any more.
// The payload is the question's position in the same stream, 8 bytes, big-endian.
constexpr std::string_view cancel_kind = "kith.cancel";
// The durable of an agent that watches others, or did: a JSON array of DIDs.
constexpr std::string_view watches_cell = "kith.watches";

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
    // The store was restored from a backup once: it may lack what it had acknowledged.
    bool restored = false;
    // A handler forgets what another turn wrote (agent_host). Empty: that is not looked for.
    std::function<void(std::string_view cell, std::string_view handler)> stale_write = {};
    // What is counted, by the agent's type, and of this life alone, which its actor and the node
    // read too. Both or neither.
    std::shared_ptr<mailbox_series> series = {};
    std::shared_ptr<agent_meter> meter = {};
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
  void watch_again();                    // tells the node of all that the agent watches
  void cancel_timer(timer_cancel order); // from outside
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
  // Idle, and the rest is in the store: a later life goes on as this one would. Looks at it
  // closely.
  bool may_sleep();
  // settle() would write something.
  bool unsettled() const { return inbox_.unsettled() || outbox_.unsettled(); }
  mailbox_report report();
  // The handlers that await something, or the one that began with message `only`; at most `max`.
  result<std::vector<handler_report>> waiting(const std::optional<uuid>& only, std::size_t max);
  // Cancels that one; `done` is called when this is durable, with whether there is one.
  void cancel(handler_cancel order) { cancels_.push_back(std::move(order)); }
  void purge(dead_purge order) { purges_.push_back(std::move(order)); }
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
  mailbox_step run_step();
  void note_meter();
  void note_positions(mailbox_step& step);
  void skip(in_stream& s, const stream_head& to);
  void note_position(mailbox_step& step, in_stream& s, bool rewind);

  // mailbox_agent.cpp
  class tenant_host;
  result<void> wake_agent();
  result<void> keep_advertised();
  void describe_agent(mailbox_report& r) const;
  result<void> load_owner();
  result<void> give_owner(const did& to, mailbox_step& step);
  result<void> apply(turn_outcome& outcome, mailbox_step& step);
  void send(emission& e, mailbox_step& step);
  // Its position in its stream; 0 for QoS 0.
  sequence emit(const did& to, const envelope_fields& f, mailbox_step& step);
  void crash(const std::string& reason, std::string culprit, mailbox_step& step);
  static std::string name_of(const envelope& e, const did& from);
  result<void> check_entering(const kith::ingress& r, const envelope_fields& f, bool own_id) const;
  void admit(kith::ingress& request, mailbox_step& step);

  // mailbox_watch.cpp
  result<void> load_watches();
  result<std::set<did>> watches_after(const turn_outcome& outcome) const;
  void rewatch(const turn_outcome& outcome, std::set<did> next, mailbox_step& step);
  void tell_of_downs(mailbox_step& step);
  bool tell_of(const down& d, std::uint32_t& attempts, mailbox_step& step);

  // mailbox_timers.cpp
  result<void> load_timers();
  void fire_timers(mailbox_step& step);
  void take_timer_cancels(mailbox_step& step);
  bool may_fire(timer_table::entry& t, mailbox_step& step);
  void fire(timer_table::entry& t, mailbox_step& step);
  void retime(turn_outcome& outcome, mailbox_step& step);
  void keep_timer(const records::timer_record& r, mailbox_step& step);
  void consume_timer(timer_table::entry& t, const timer_table::firing& f, mailbox_step& step);
  void bury_firing(timer_table::entry& t, const timer_table::firing& f, const std::string& reason,
                   std::uint32_t attempts, mailbox_step& step);
  void release_marked_timers();
  std::optional<time_point> timers_wake() const;

  // mailbox_pending.cpp
  result<void> check_word(const envelope_fields& f, bool own_id) const;
  void keep(in_stream& s, mailbox_step& step);
  void keep(const envelope& e, mailbox_step& step);
  void take_acks(mailbox_step& step);

  enum class turn : std::uint8_t { consumed, blocked };

  // mailbox_exclusive.cpp
  bool occupied() const;
  bool holds(const in_stream& s) const;
  bool reenters(const in_stream& s) const;
  static std::vector<uuid> chain_below(const records::handler_start& start,
                                       const turn_outcome& outcome);
  void release_held();

  // mailbox_handlers.cpp
  struct resumption {
    enum kind : std::uint8_t { done, later, threw } how = done;
    std::uint64_t after = 0; // later: than this step is durable
    std::string reason;
  };
  std::string awaited_context(std::string_view step) const;
  static std::pair<handler_id, records::step_ref> awaiting(const records::ask_record& ask);
  result<void> begin_handler(records::handler_start start, turn_outcome& outcome,
                             mailbox_step& step);
  void begin_volatile_handler(const volatile_arrival::item& item, turn_outcome& outcome,
                              mailbox_step& step);
  result<void> begin_fired_handler(const message_fields& m, slice raw, turn_outcome& outcome,
                                   mailbox_step& step);
  result<void> load_start(const handler_id& id, waiting_handler& h);
  result<void> bring_back(const handler_id& id, waiting_handler& h);
  resumption resume(const handler_id& id, const records::step_result& result, mailbox_step& step);
  result<void> keep_segment(const handler_id& id, waiting_handler& h, turn_outcome& outcome,
                            mailbox_step& step);
  void end_handler(const handler_id& id, waiting_handler& h, answer_status status,
                   const encoded& what, mailbox_step& step);
  void settle_request(const records::handler_start& start, answer_status status,
                      const encoded& what, mailbox_step& step);
  void die(const handler_id& id, const std::string& why, std::uint32_t attempts,
           const records::step_result& stuck, mailbox_step& step, bool crashed = false);
  result<bool> revive(in_stream& s, const envelope& e, mailbox_step& step);
  std::optional<records::step_result> ripe(const due_step& due, waiting_handler& h);
  void take_due(due_step due, mailbox_step& step);
  std::optional<duration> time_out_awaited(const records::ask_record& ask, mailbox_step& step);

  // mailbox_cancel.cpp
  void forget_ask(const uuid& request, mailbox_step& step);
  turn take_cancellation(in_stream& s, const envelope& e, mailbox_step& step);
  void expire_now(const handler_id& id, waiting_handler& h, std::string_view reason,
                  mailbox_step& step);
  void cancel(due_step due, mailbox_step& step);
  void take_orders(mailbox_step& step);
  void take_purges(mailbox_step& step);

  // mailbox_turn.cpp
  bool may_run(in_stream& s, mailbox_step& step);
  turn take(in_stream& s, mailbox_step& step);
  turn take_request(in_stream& s, mailbox_step& step);
  turn take_answer(in_stream& s, mailbox_step& step);
  turn begin_handler(in_stream& s, const envelope& e, turn_outcome& outcome, mailbox_step& step);
  turn take_awaited(in_stream& s, const envelope& e, const records::ask_record& ask,
                    mailbox_step& step);
  static ingress::answer outside_answer(const envelope& e);
  std::size_t take_unchained(mailbox_step& step);
  void take_unchained(const volatile_arrival::item& item, mailbox_step& step);
  message_fields view(const envelope& e, const did& from) const;
  turn_outcome& run_message(const envelope& e, const did& from);
  turn_outcome& run_system(result<system_turn> said);
  turn_outcome& run_answer(const pending_ask& ask, const did& from, ask_status status,
                           const envelope* e);
  void fire_overdue(mailbox_step& step);
  void answer(const envelope& request, const did& to, answer_status status,
              std::string_view content_type, std::string_view payload, mailbox_step& step);
  void note_disposition(const envelope& e, const stream_key& stream, disposition d,
                        const std::string& reason, mailbox_step& step);
  void finish(in_stream& s, disposition d, const std::string& reason, mailbox_step& step);
  // Until what failed so often is tried again.
  duration retry_pause(std::uint32_t attempts);
  turn failed(in_stream& s, const std::string& reason, mailbox_step& step);
  turn died(in_stream& s, const std::string& reason, std::uint32_t attempts, mailbox_step& step);
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
  // Handlers that await something are destroyed before the agent whose members they use.
  std::unique_ptr<agent_instance> agent_;
  handlers handlers_;
  handler_id running_{};    // whose segment is being kept,
  std::vector<uuid> chain_; // and what its asks carry
  // Ordered by what they are and not by where they lie, so that two runs are the same.
  struct by_key {
    bool operator()(const in_stream* a, const in_stream* b) const { return a->key < b->key; }
  };
  std::set<in_stream*, by_key> held_;          // until a handler has ended
  std::deque<handler_cancel> cancels_;         // by operators
  std::deque<dead_purge> purges_;              // by operators, too
  std::map<handler_id, std::uint64_t> purged_; // dead ones, by the step; until that is durable
  std::optional<pending_mail> pending_;        // only of a DID outside
  std::deque<pending_ack> pending_acks_;
  struct pending_down {
    down what;
    std::uint32_t attempts = 0;
    time_point not_before{};
  };
  std::set<did> watches_;
  std::map<did, pending_down> notices_; // of those alone
  timer_table timers_;
  std::vector<std::string> marked_timers_; // that wait for the sync of their marks
  std::deque<timer_cancel> timer_cancels_;
  // The one whose turn is run, until that is applied.
  std::optional<std::pair<timer_table::entry*, timer_table::firing>> firing_;
  uuid_generator ids_;
  std::vector<std::pair<std::string, std::string>>
      setup_cells_; // what setup() changed, for the first step
  turn_outcome system_outcome_;
  run_tally* tally_ = nullptr; // of the run under way, if anything is counted
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
  std::deque<volatile_arrival::item> held_unchained_; // until the agent is no longer occupied
  taken unchained_taken_;
  std::deque<kith::ingress> ingress_;
  std::unordered_map<uuid, std::uint64_t> ingress_ids_; // accepted, not durable yet: by the step
  std::vector<in_stream*> blocked_;                     // until something is durable
  std::set<in_stream*, by_key> positions_;              // whose sender is to be told
  std::vector<records::lost_range> lost_;               // to be stored by the next step
  std::set<in_stream*, by_key> rewinds_;
};

} // namespace kith
