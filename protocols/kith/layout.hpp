// Where the bytes of frames lie: the header, and the fixed binary bodies of batch, volatile and
// fragment (README.md). All numbers are little-endian, as in FlatBuffers. For this room alone.
#pragma once

#include "protocols/kith/frames.hpp"

namespace kith::wire {

inline constexpr std::uint8_t flag_skippable =
    1; // a receiver that does not know the type skips the frame
inline constexpr std::uint16_t batch_flag_head = 1, batch_flag_ttl = 2;
inline constexpr std::size_t batch_fixed_size = 16;    // number, count, flags, first
inline constexpr std::size_t batch_head_size = 104;    // seq, digest, signature
inline constexpr std::size_t fragment_fixed_size = 32; // number, offset, total, zero, seq, ttl

constexpr std::size_t padded(std::size_t size) { return (size + 7) & ~std::size_t(7); }

template <class T> void put_le(std::uint8_t* to, T v) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = std::uint8_t(v >> (8 * i));
}
template <class T> T get_le(const std::uint8_t* from) {
  T v = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) v |= T(T(from[i]) << (8 * i));
  return v;
}

inline void put_header(std::uint8_t* to, frame_type type, std::size_t body_size,
                       std::uint8_t flags = 0) {
  put_le(to, std::uint32_t(body_size + header_size - 4));
  to[4] = std::uint8_t(type);
  to[5] = flags;
  to[6] = to[7] = 0;
}

// Errors that several decoders share.
inline tl::unexpected<error> bad_frame(const char* what) {
  return fail(errc::malformed, "bad_frame", what);
}
inline tl::unexpected<error> list_too_large(const char* what) {
  return fail(errc::too_large, "list_too_large", what);
}

// batch.cpp: the fixed binary bodies.
result<frame> decode_batch(slice body);
result<frame> decode_volatile(slice body);
result<frame> decode_fragment(slice body);
// decode_control.cpp: all others.
result<frame> decode_control(frame_type type, byte_view body);

} // namespace kith::wire
