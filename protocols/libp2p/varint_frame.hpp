// Frames that begin with their length as an unsigned varint (multiformats unsigned-varint):
// multistream-select's messages and identify's protobuf are sent so.
#pragma once

#include "runtime/base/bytes.hpp"

namespace kith::libp2p {

inline void put_frame(bytes& out, byte_view body) {
  put_varint(out, body.size());
  append(out, body);
}

// Gathers one frame at a time out of pieces of any size, and keeps at most one frame of `size_max`
// bytes.
class varint_frame_reader {
public:
  explicit varint_frame_reader(std::size_t size_max) : size_max_(size_max) {}

  // Takes from the front of `in` what belongs to the frame under way. True when it is complete:
  // then body() holds it until the next call. Errors: too_large "frame_too_large"; malformed
  // "bad_varint".
  result<bool> receive(byte_view& in);
  byte_view body() const { return body_; }
  // Nothing of a frame has arrived since the last one was complete.
  bool between_frames() const { return state_ != state::body && prefix_size_ == 0; }

private:
  enum class state : std::uint8_t { prefix, body };

  std::size_t size_max_;
  state state_ = state::prefix;
  std::size_t prefix_size_ = 0; // bytes of the length read so far
  std::uint64_t size_ = 0;
  bytes body_;
};

} // namespace kith::libp2p
