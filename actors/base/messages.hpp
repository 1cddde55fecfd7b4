// Every message that one actor of Kith sends to another. They never leave the process (what crosses
// nodes is an envelope on a link), so they are moved, not serialized: CAF calls that "unsafe", and
// needs no type ids for it.
#pragma once

#include "actors/base/caf_compat.hpp"
#include "actors/base/out_stream.hpp"
#include "protocols/kith/frames.hpp"
#include "runtime/stream/verified.hpp"

#include <functional>
#include <kith/supervision.hpp>
#include <memory>
#include <string>
#include <vector>

namespace kith {

// Bytes of envelopes, or of items that hold one each: what they take of an actor_gate.
template <class List> std::size_t sum_sizes(const List& list) {
  std::size_t size = 0;
  for (const auto& e : list)
    if constexpr (requires { e.envelope; })
      size += e.envelope->size();
    else
      size += e.size();
  return size;
}

// ---- to a mailbox

// Consecutive envelopes of one stream, from the thread that read them off a link.
struct arrival {
  struct item {
    verified_envelope envelope;
    std::uint64_t time_to_live_ms = 0; // what remains; 0: never expires
  };
  stream_id stream;
  std::vector<item> items;
  caf::actor link;           // where acks go
  std::uint64_t session = 0; // of that link
  std::size_t size_bytes() const { return sum_sizes(items); }
};
// A link's peer asks how far a stream has come here, before it sends.
struct position_query {
  stream_id stream;
  caf::actor link;
  std::uint64_t session = 0;
  // Where what the sender still has begins, if that is behind what it was told of this end.
  std::optional<stream_head> kept = {};
};
// QoS 0, from a link or from here.
struct volatile_arrival {
  struct item {
    did from;
    verified_envelope envelope;
  };
  std::vector<item> items;
};
// From senders on this node, whose commit at `position` put it in the queue.
struct local_arrival {
  struct item {
    stream_id stream;
    verified_envelope envelope;
    wall_ms expires = 0;
  };
  std::vector<item> items;
  journal_position position = 0;
  std::size_t size_bytes() const { return sum_sizes(items); }
};
// To a mailbox or a link: the gate in front of it was full. Look at what is on disk.
struct queue_overflow {};
// The recipient's node journaled this stream up to `upto`.
struct stream_acked {
  stream_id stream;
  sequence upto = 0;
};
// A commit of this mailbox is durable.
struct commit_done {
  journal_position position = 0;
};
struct mailbox_tick {};

// Something from outside of any agent (the command line, later the edge) to be sent as this
// mailbox's own.
struct ingress {
  struct outcome {
    uuid id;
    bool duplicate = false;
    error problem; // code empty: accepted and synced
  };
  struct answer {
    answer_status status = answer_status::none;
    bool timed_out = false;
    std::string content_type;
    std::string payload; // the answer, or the reason
  };
  did to;
  std::string kind, content_type, payload;
  uuid id{}; // nil: made here
  std::uint64_t time_to_live_ms = 0;
  qos quality = qos::exactly_once;
  bool wants_answer = false;
  std::uint64_t timeout_ms = 30'000;
  std::function<void(const outcome&)> accepted; // once durable; any thread
  // Only for wants_answer; any thread. Empty: the answer is kept, in the mailbox of a DID outside.
  std::function<void(const answer&)> answered;
  uuid correlation{};         // the request that this answers; nil: none
  uuid replay_of{};           // the dead letter that this sends again, and erases; nil: none
  wall_ms created = 0;        // 0: now
  byte_array<64> signature{}; // of a sender outside of any node (envelope.hpp); zero: none
};
// The owner of a mailbox without a tenant has everything up to here.
struct pending_ack {
  sequence upto = 0;
  std::function<void(const result<void>&)> done; // once durable; any thread
};
// One of the agent's timers is to go: an operator's order.
struct timer_cancel {
  std::string id;
  std::function<void(bool was)> done; // once durable; any thread
};
// Dead letters of the agent are to go, with what their handlers left: an operator's order.
struct dead_purge {
  std::vector<uuid> messages;
  // Once durable: those that there were. Any thread.
  std::function<void(result<std::vector<uuid>> purged)> reply;
};
// How the mailbox does, for people: any thread calls back.
struct mailbox_report {
  std::size_t waiting = 0, unacked = 0, asks = 0;
  std::string state; // "running", "stopped", "retrying"
  std::vector<std::string> handlers;
  std::vector<std::pair<std::string, std::string>> advertised;
  std::size_t suspended = 0, in_memory = 0; // handlers that await something; of these
  did owner;                                // empty: nobody
};
// A handler that awaits something.
struct handler_report {
  uuid message; // that began it
  std::string kind;
  did from;
  wall_ms started = 0, expires = 0; // 0: never
  std::uint32_t segments = 0, bytes = 0, attempts = 0;
  bool in_memory = false;
  struct step {
    std::string what;
    wall_ms due = 0; // 0: not by time
  };
  std::vector<step> awaits;
};
struct handlers_inquiry {
  std::optional<uuid> only; // the one that this message began
  std::size_t max;
  std::function<void(result<std::vector<handler_report>>)> reply;
};
struct handler_cancel {
  uuid message;
  std::string reason;
  std::function<void(result<bool>)> reply; // once it is durable: whether there was one
};
struct mailbox_inquiry {
  std::function<void(mailbox_report)> reply;
};

// ---- to a link

// Envelopes that became durable: consecutive, from `first`.
struct outgoing {
  std::shared_ptr<out_stream> stream;
  sequence first = 0;
  std::vector<envelope> envelopes;
  std::size_t size_bytes() const { return sum_sizes(envelopes); }
};
struct outgoing_volatile {
  std::vector<envelope> envelopes;
  std::size_t size_bytes() const { return sum_sizes(envelopes); }
};
// What the mailbox of `stream`'s recipient has journaled, and what more it takes. `at` comes with
// the answer to a position_query alone.
struct stream_position {
  stream_id stream;
  std::uint64_t session = 0;
  stream_head head;
  sequence credit_seq = 0;
  std::uint64_t credit_bytes = 0;
  bool rewind = false;      // a gap: send again from head.next
  bool quarantined = false; // nothing more is taken
};
// Frames of the control lane, and batches' side effects, in order, from the reading thread.
struct link_frames {
  std::uint64_t session = 0;
  std::vector<wire::frame> frames;
};
struct link_drained {
  std::uint64_t session = 0;
};
struct link_lost {
  std::uint64_t session = 0;
  error why;
};
struct link_tick {};
// An agent has come to live, or stopped living, on this node: tell the peer.
struct directory_change {
  std::vector<wire::directory::entry> entries;
};

class link_session;
struct peer_info;
// A connection to this link's peer, whose handshake is done.
struct adopt_session {
  std::shared_ptr<link_session> session; // shared with the reactor, on whose thread it lives
};
// Control frames for the peer, if there is a connection.
struct link_say {
  std::vector<wire::frame> frames;
};

// ---- to the cluster's actor

struct session_opened {
  std::shared_ptr<link_session> session; // shared with the reactor
  std::shared_ptr<const peer_info> peer; // shared because a message may be copied
};
// A dialled address did not become a link.
struct dial_failed {
  std::string address;
  error why;
};
struct link_started {
  did peer;
};
struct link_changed {
  did peer;
  bool up = false;
};
struct members_heard {
  did from;
  std::vector<wire::members::entry> list;
};
struct cluster_tick {};

// ---- supervision

struct stop_child {
  bool drain = true; // false: at once
};
struct supervisor_tick {};

// What a supervisor knows of a child before it runs. A message to the supervisor: the child is
// started at once, or with its siblings if these are just being restarted.
struct child_spec {
  std::string name;
  std::string kind; // for people: "mailbox", "link"
  // Runs on the supervisor's thread; may throw, which counts as a crash.
  std::function<caf::actor(caf::actor_system&)> start;
  // It ended otherwise than in order, and is not started again. May be empty.
  std::function<void(const std::string& reason)> gave_up;
  enum restart restart = restart::transient;
  // Its place among its siblings; 0: behind all that are there. Of two with the same one, the first
  // to come stands first.
  std::uint64_t order = 0;
  // It stops children of its own, each within a deadline, and so needs none itself: to kill it
  // would leave children behind that still run when it is started again.
  bool supervises = false;
};
// A child that runs already: it was woken. If it cannot be taken it is ended.
struct adopt_child {
  child_spec spec;
  caf::actor actor;
};
// That child has fallen asleep, and is to be forgotten.
struct child_sleeps {
  std::string name;
  caf::actor actor;
};
// Stops a child, and forgets it.
struct remove_child {
  std::string name;
};

} // namespace kith

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::arrival)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::position_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::volatile_arrival)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::local_arrival)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::queue_overflow)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::stream_acked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::commit_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::mailbox_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::ingress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::pending_ack)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::timer_cancel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::dead_purge)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::mailbox_inquiry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::handlers_inquiry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::handler_cancel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::outgoing)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::outgoing_volatile)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::stream_position)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::link_frames)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::link_drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::link_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::link_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::directory_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::stop_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::supervisor_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::child_spec)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::adopt_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::child_sleeps)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::remove_child)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::adopt_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::link_say)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::session_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::dial_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::link_started)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::link_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::members_heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::cluster_tick)
