// The sending half of a mailbox: one chain for every recipient and lane, what of each is not
// acknowledged yet, and the signed heads that vouch for them. To a recipient on this node the
// envelope is put into the recipient's queue by the sender's own commit, and is the sender's to
// answer for until the recipient has taken its turn; to any other it waits in the outbox until a
// link's peer says that it is journaled there. What waits either way counts against the sender's
// quota.
#pragma once

#include "actors/base/out_stream.hpp"
#include "actors/mailbox/keys.hpp"
#include "actors/mailbox/limits.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/store/store.hpp"
#include "runtime/stream/records.hpp"
#include "runtime/stream/verified.hpp"

#include <memory>
#include <unordered_map>

namespace kith {

// Sizes of consecutive envelopes, oldest first. Costs nothing while it is empty.
class size_queue {
public:
  void push(std::size_t size) { sizes_.push_back(std::uint32_t(size)); }
  // The sum of the `count` oldest, or of all, which leave.
  std::size_t pop(std::size_t count);

private:
  std::vector<std::uint32_t> sizes_;
  std::size_t first_ = 0;
};

class outbox {
public:
  // Signed heads: at least every 64 envelopes, and with the first commit a second after the last
  // (semantics.md 23).
  static constexpr sequence head_interval = 64;
  static constexpr duration head_interval_max = std::chrono::seconds(1);

  struct emitted {
    envelope what;
    digest hash;
    stream_id stream;
    std::shared_ptr<out_stream> shared; // null for a local recipient
    wall_ms expires = 0;
  };

  outbox(const mailbox_limits& limits, did self, incarnation inc, const secret_key* key,
         flow_finder flow)
      : limits_(limits), self_(std::move(self)), self_key_(keys::of(self_)), incarnation_(inc),
        key_(key), flow_(std::move(flow)) {}

  // `waiting`: the sizes of what the queue holds of it, up to its head, and nobody has
  // acknowledged.
  void restore(const records::stream_out& record, bool local,
               const std::vector<std::size_t>& waiting);

  // Builds the next envelope of the stream to `to`, chains it, and puts it into `batch`. `f` lacks
  // what a stream gives: from, to, lane aside, incarnation, seq, previous. QoS 0 is built outside
  // the chain and not stored; QoS 1 gets no ledger entry.
  emitted emit(const did& to, bool local, envelope_fields f, store::write_batch& batch);
  // Records of the streams that emitted since the last call, newly signed heads, and trimming.
  void settle(store::write_batch& batch, time_point now);
  bool unsettled() const { return !dirty_.empty(); }
  // The stream to `to`; nothing if none was ever opened.
  std::optional<stream_key> find(const did& to, lane l) const;

  // The recipient's node journaled everything up to `upto`.
  void acknowledged(const stream_id& id, sequence upto);
  // Asks recipients on this node how far they are.
  void look_around();
  // The same if much seems to wait. Once a step is enough.
  void look_around_if_full();
  // Whether one more may be sent, with `more` in this turn already. Sizes within a turn are
  // bounded by turn_limits.
  bool has_room(std::size_t more) const {
    return unacked_ + more < limits_.outbox_count_max && unacked_bytes_ < limits_.outbox_bytes_max;
  }
  // Enough is acknowledged to make a commit for its trimming alone worth while.
  bool trim_due() const { return untrimmed_ >= 1024; }

  // Streams opened since the last call, for the router's register.
  std::vector<std::shared_ptr<out_stream>> take_opened() { return std::exchange(opened_, {}); }
  // As of the last look, of both kinds of streams.
  std::size_t unacked_count() const { return unacked_; }
  std::size_t unacked_size_bytes() const { return unacked_bytes_; }
  incarnation current_incarnation() const { return incarnation_; }

private:
  struct stream {
    stream_id id;
    stream_key key{};
    bool local = false;
    stream_head head;
    sequence acked = 0; // by the recipient's node; of a local one: had its turn
    size_queue waiting; // sizes of what is behind it
    sequence trimmed = 0;
    sequence signed_upto = 0;
    time_point signed_at{};
    bool dirty = false;
    std::shared_ptr<out_stream> shared; // with the link; null for a local recipient
    std::shared_ptr<local_flow> flow;   // with a local recipient
  };
  stream& open(const did& to, lane l, bool local);
  void advance(stream& s, sequence upto);
  void look(stream& s);
  void touch(stream& s);

  const mailbox_limits& limits_;
  did self_;
  keys::agent_key self_key_;
  incarnation incarnation_;
  const secret_key* key_; // null: nobody here can sign heads
  flow_finder flow_;
  std::unordered_map<stream_id, std::unique_ptr<stream>> streams_;
  std::vector<stream*> dirty_;
  std::vector<std::shared_ptr<out_stream>> opened_;
  std::size_t unacked_ = 0; // of all streams together
  std::size_t unacked_bytes_ = 0;
  std::size_t untrimmed_ = 0; // acknowledged by another node and still in the store
};

} // namespace kith
