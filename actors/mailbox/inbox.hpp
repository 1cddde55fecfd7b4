// The receiving half of a mailbox: the streams that come in, what of each waits for its turn, in
// what order turns are taken, and how much more a sender may send. Envelopes wait in memory up to a
// bound; past it they stay on disk and `known` runs ahead of what is loaded. Pure: no clock, no
// actor; it writes into the batch it is given.
#pragma once

#include "actors/base/out_stream.hpp"
#include "actors/mailbox/keys.hpp"
#include "actors/mailbox/limits.hpp"
#include "runtime/store/store.hpp"
#include "runtime/stream/records.hpp"
#include "runtime/stream/verified.hpp"

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

namespace kith {

// An envelope that waits for its turn.
struct waiting_envelope {
  verified_envelope envelope;
  wall_ms expires = 0; // by this node's clock; 0: never
  std::uint64_t stored_by =
      0;                   // the mailbox's step that put it in the queue; 0: not in the queue yet
  std::uint64_t after = 0; // no turn before this step of the mailbox is durable
};

struct in_stream {
  stream_id id;
  stream_key key{};
  bool local = false;               // the sender lives on this node and writes the queue itself
  std::shared_ptr<local_flow> flow; // then: shared with it
  stream_head head;                 // remote: what has been accepted; next is the position expected
  sequence consumed = 0;            // positions at or below had their turn
  sequence trimmed = 0;             // queue entries at or below are erased
  sequence known = 0;               // the highest position that is in memory or on disk
  std::deque<waiting_envelope> pending; // consumed + 1 onwards, without gaps
  std::size_t pending_bytes = 0;
  bool dirty = false; // the record must be written with the next commit
  bool in_ring = false;
  std::string quarantine; // why nothing more is accepted (a fork); empty: it is not
  std::uint32_t attempts = 0;
  time_point not_before{}; // of the next try
  // After an unclean stop (semantics.md 4): positions at or below `recovered` run only behind a
  // synced attempt mark; the first `journal_first` new arrivals run only once they are durable.
  sequence recovered = 0;
  records::attempt_mark mark;
  std::uint64_t marked_by = 0; // the step that wrote `mark`; 0: not written in this life
  sequence single_upto = 0;    // a crash is hidden up to here: mark and run one at a time
  bool set_apart = false;      // has waited, so that its mark stands alone
  sequence journal_first = 0;
  sequence credit_told = 0; // the highest position the sender was told it may send
  std::uint64_t peer = 0;   // the link session that last delivered; where acks go

  // Positions that are on disk but not in memory.
  bool behind() const { return known > consumed + pending.size(); }
};

class inbox {
public:
  enum class verdict : std::uint8_t {
    accepted,
    duplicate,
    gap,
    fork,
    quarantined,
    too_many_streams
  };

  // `flow` finds what a sender on this node shares about its stream.
  inbox(const mailbox_limits& limits, keys::agent_key self, flow_finder flow)
      : limits_(limits), self_(self), flow_(std::move(flow)) {}

  // A stream as the store remembers it; `queued` are its oldest waiting envelopes, `known` the
  // highest position.
  in_stream& restore(stream_id id, bool local, const records::stream_in* record, sequence known,
                     bool unclean, const records::attempt_mark& mark);
  // Appends what a scan of the queue found, as long as it continues what is in memory.
  void load(in_stream& s, const std::vector<store::entry>& found);

  // A remote sender's envelope, next in its chain or not.
  verdict accept(const stream_id& id, verified_envelope e, wall_ms expires, std::uint64_t peer,
                 bool unclean);
  // A local sender's, which it has itself put in the queue. Nullptr: too many streams.
  in_stream* local(const stream_id& id, verified_envelope e, wall_ms expires);

  in_stream* find(const stream_id& id);
  // A remote sender's stream from which nothing has come yet. Nullptr: too many streams.
  in_stream* open(const stream_id& id, bool unclean);
  // The stream goes on from there, as if all before had come and had its turn.
  void skip(in_stream& s, const stream_head& to);
  // Nothing more is taken of the stream; what waits still has its turn.
  void quarantine(in_stream& s, std::string why);
  const std::unordered_map<stream_id, std::unique_ptr<in_stream>>& streams() const {
    return streams_;
  }

  // Streams whose head may run now, each as often as the others. Nullptr: none.
  in_stream* next_ready(time_point now);
  // Keeps the stream in the ring, at its end, if it has more.
  void requeue(in_stream& s);
  // Out of the ring until `when`.
  void defer(in_stream& s, time_point when);
  // The earliest deferred stream's time.
  std::optional<time_point> next_deferred() const;

  // The head had its turn.
  void consume(in_stream& s);
  // Puts into `batch` what makes memory and store agree: arrivals not journaled yet (stored by
  // `step` now), records of dirty streams, and the trimming of consumed queue entries.
  void settle(store::write_batch& batch, std::uint64_t step);
  // Whether some stream has envelopes on disk that are not in memory.
  bool behind() const {
    return std::any_of(streams_.begin(), streams_.end(),
                       [](const auto& s) { return s.second->behind(); });
  }
  bool unsettled() const { return !dirty_.empty(); }

  struct credit {
    sequence seq;      // the highest position that may be sent
    std::size_t bytes; // beyond what is acknowledged
  };
  credit credit_of(const in_stream& s) const;
  // True if the sender waits on less than half of what it could now be given.
  bool credit_stale(const in_stream& s) const;
  // Streams with room to load from disk.
  std::vector<in_stream*> loadable();
  // A stream's `known` was raised from outside: loadable() has to look.
  void note_behind() { any_behind_ = true; }

  // When the oldest of what waits in memory was made, by its sender's clock; 0: nothing waits. With
  // more streams than a few, of those alone whose turn is next.
  wall_ms oldest() const;
  std::size_t count() const { return count_; }
  std::size_t size_bytes() const { return bytes_; }

private:
  in_stream& make(const stream_id& id, bool local);
  void push(in_stream& s, waiting_envelope w);
  void touch(in_stream& s);
  void trim(in_stream& s, store::write_batch& batch);
  bool has_room(const in_stream& s, std::size_t size) const;

  const mailbox_limits& limits_;
  keys::agent_key self_;
  flow_finder flow_;
  std::unordered_map<stream_id, std::unique_ptr<in_stream>> streams_;
  std::deque<in_stream*> ring_;
  std::multimap<time_point, in_stream*> deferred_;
  std::vector<in_stream*> dirty_;
  std::vector<std::pair<bytes, slice>>
      spilled_; // accepted while behind: to disk without staying in memory
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  bool any_behind_ = false; // some stream may be; spares loadable() the look at all of them
};

} // namespace kith
