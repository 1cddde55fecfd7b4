// Bytes to frames. Everything is checked before it is handed out: sizes, counts, DIDs, alignment;
// nothing is trusted.
#pragma once

#include "protocols/kith/frames.hpp"

#include <unordered_map>

namespace kith::wire {

// One a connection; not thread-safe. Copies each byte once, into the buffer of its frame. After an
// error the connection is of no use: every further call repeats the error.
class decoder {
public:
  // Any cut of the byte stream. malformed "bad_frame"; too_large "frame_too_large",
  // "list_too_large"; unsupported "unknown_frame" for a type that is not known and not marked as
  // skippable.
  result<void> feed(byte_view chunk);
  // The frames completed since the last call, in order. After an error: those completed before it.
  std::vector<frame> take() { return std::exchange(frames_, {}); }

private:
  result<void> begin();    // the header is there
  result<void> complete(); // the body is there
  std::vector<frame> frames_;
  byte_array<header_size> header_{};
  std::size_t header_count_ = 0;
  std::size_t body_size_ = 0;
  bytes body_;
  std::optional<error> failed_;
};

// The body of one frame, without its header. Errors as in decoder::feed.
result<frame> decode_body(frame_type type, slice body);

// Puts fragments together. One a connection; not thread-safe.
class reassembler {
public:
  // Bytes of envelopes under way on one connection, counted by their announced size; past it
  // further ones are refused, overloaded "reassembly_full", and the connection ends.
  static constexpr std::size_t total_size_max = 64 << 20;
  static constexpr std::size_t streams_max = 4096; // envelopes under way at once; likewise

  struct whole {
    stream_number number;
    sequence seq;
    std::uint64_t time_to_live_ms;
    slice raw;
  };
  // The envelope, once its last part came. malformed "bad_fragment" for a part out of order or one
  // that disagrees with those before it; too_large "envelope_too_large".
  result<std::optional<whole>> add(const fragment& f);
  // Drops what came so far of a stream: it was reset or is not taken.
  void forget(stream_number number);
  std::size_t pending_bytes() const { return pending_bytes_; }

private:
  struct partial {
    sequence seq;
    std::uint32_t total_size;
    std::uint64_t time_to_live_ms;
    bytes got;
  };
  std::unordered_map<stream_number, partial> partials_;
  std::size_t pending_bytes_ = 0;
};

} // namespace kith::wire
