// The sending half of a mailbox: one chain for every recipient and lane, what of each is not
// acknowledged yet, and the signed heads that vouch for them. To a recipient on this node the
// envelope is put into the recipient's queue by the sender's own commit; to any other it waits in
// the outbox until a link's peer says that it is journaled there.
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

  outbox(const mailbox_limits& limits, did self, incarnation inc, const secret_key& key)
      : limits_(limits), self_(std::move(self)), self_key_(keys::of(self_)), incarnation_(inc),
        key_(key) {}

  std::shared_ptr<out_stream> restore(const records::stream_out& record, bool local);

  // Builds the next envelope of the stream to `to`, chains it, and puts it into `batch`. `f` lacks
  // what a stream gives: from, to, lane aside, incarnation, seq, previous. QoS 0 is built outside
  // the chain and not stored.
  emitted emit(const did& to, bool local, envelope_fields f, store::write_batch& batch);
  // Records of the streams that emitted since the last call, newly signed heads, and trimming.
  void settle(store::write_batch& batch, time_point now);
  bool unsettled() const { return !dirty_.empty(); }

  // The recipient's node journaled everything up to `upto`.
  void acknowledged(const stream_id& id, sequence upto);
  // Enough is acknowledged to make a commit for its trimming alone worth while.
  bool trim_due() const { return untrimmed_ >= 1024; }

  // Streams opened since the last call, for the router's register.
  std::vector<std::shared_ptr<out_stream>> take_opened() { return std::exchange(opened_, {}); }
  std::size_t unacked_count() const { return unacked_; }
  incarnation current_incarnation() const { return incarnation_; }

private:
  struct stream {
    stream_id id;
    stream_key key{};
    bool local = false;
    stream_head head;
    sequence acked = 0;
    sequence trimmed = 0;
    sequence signed_upto = 0;
    time_point signed_at{};
    bool dirty = false;
    std::shared_ptr<out_stream> shared; // with the link; null for a local recipient
  };
  stream& open(const did& to, lane l, bool local);
  void touch(stream& s);

  const mailbox_limits& limits_;
  did self_;
  keys::agent_key self_key_;
  incarnation incarnation_;
  const secret_key& key_;
  std::unordered_map<stream_id, std::unique_ptr<stream>> streams_;
  std::vector<stream*> dirty_;
  std::vector<std::shared_ptr<out_stream>> opened_;
  std::size_t unacked_ = 0;   // remote streams, all together
  std::size_t untrimmed_ = 0; // acknowledged and still in the store
};

} // namespace kith
