// Frames to bytes. Each call makes one whole frame, header included, in one buffer of exact size.
#pragma once

#include "protocols/kith/frames.hpp"

namespace kith::wire {

// The lists must fit the frame and every text its limit (frames.hpp); where they may not, use
// encode_split. Texts that are too long are cut, because they are for people.
bytes encode(const hello& f);
bytes encode(const welcome& f);
bytes encode(const refused& f);
bytes encode(const goodbye& f);
bytes encode(const ping& f);
bytes encode(const pong& f);
bytes encode(const delegations& f);
bytes encode(const streams& f);
bytes encode(const positions& f);
bytes encode(const stream_open& f);
bytes encode(const ack& f);
bytes encode(const backfill_request& f);
bytes encode(const not_here& f);
bytes encode(const fork& f);
bytes encode(const batch& f); // must fit: use batch_builder
bytes encode(const volatile_batch& f);
bytes encode(const fragment& f);
bytes encode(const directory& f);
bytes encode(const members& f);
bytes encode(const frame& f);

// As many frames as the list needs, in order, each within frame_size_max; at least one.
std::vector<bytes> encode_split(const delegations& f);
std::vector<bytes> encode_split(const streams& f);
std::vector<bytes> encode_split(const positions& f);
std::vector<bytes> encode_split(const ack& f);
std::vector<bytes>
encode_split(const directory& f); // `full` on the first alone, `more` on all but the last
std::vector<bytes> encode_split(const members& f);

// Collects envelopes for one batch or volatile frame; holds slices, and copies each envelope once,
// in finish.
class batch_builder {
public:
  // A batch of stream `number`, beginning at position `first`.
  batch_builder(stream_number number, sequence first) : number_(number), first_(first) {}
  // A volatile frame.
  batch_builder() = default;

  // False, and unchanged, if it does not fit any more. `raw` is envelope::raw(); it must be of
  // position first + count().
  bool add(slice raw, std::uint64_t time_to_live_ms = 0);
  // Only for a batch. False if it does not fit any more.
  bool set_head(const signed_head& head);
  std::size_t count() const { return items_.size(); }
  bool empty() const { return items_.empty() && !head_; }
  // What finish() would return now.
  std::size_t size() const;
  // The frame. The builder may be thrown away or cleared then.
  bytes finish() const;
  void clear(sequence first = 0);

private:
  stream_number number_ = 0;
  sequence first_ = 0;
  std::optional<signed_head> head_;
  std::vector<batch::item> items_;
  std::size_t raw_size_ = 0; // with padding
  bool any_ttl_ = false;
};

// Whether an envelope of this size fits a batch that is empty (and may carry a head); otherwise it
// goes as fragments.
bool fits_batch(std::size_t envelope_size);
// The frames of one large envelope, in order.
std::vector<bytes> encode_fragments(stream_number number, sequence seq, byte_view raw,
                                    std::uint64_t time_to_live_ms);

} // namespace kith::wire
