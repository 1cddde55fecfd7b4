// The 12-byte header of every yamux frame (yamux/README.md, "Framing").
#include "protocols/libp2p/yamux.hpp"

namespace kith::libp2p {

static constexpr std::uint16_t all_flags = yamux_syn | yamux_ack | yamux_fin | yamux_rst;

byte_array<yamux_header_size> encode(const yamux_header& h) {
  auto be = [](std::uint32_t v, int shift) { return std::uint8_t(v >> shift); };
  return {0,
          std::uint8_t(h.type),
          be(h.flags, 8),
          be(h.flags, 0),
          be(h.stream, 24),
          be(h.stream, 16),
          be(h.stream, 8),
          be(h.stream, 0),
          be(h.length, 24),
          be(h.length, 16),
          be(h.length, 8),
          be(h.length, 0)};
}

result<yamux_header> decode_yamux_header(byte_view b) {
  auto bad = [](const char* why) { return fail(errc::malformed, "bad_yamux", why); };
  if (b.size() != yamux_header_size) return bad("a header has 12 bytes");
  if (b[0] != 0) return bad("version is not 0");
  if (b[1] > std::uint8_t(yamux_type::go_away)) return bad("unknown frame type");
  yamux_header h{yamux_type(b[1]), get_u16(&b[2]), get_u32(&b[4]), get_u32(&b[8])};
  if ((h.flags & ~all_flags) != 0) return bad("unknown flags");
  bool of_session = h.type == yamux_type::ping || h.type == yamux_type::go_away;
  if (of_session != (h.stream == 0)) return bad("stream number does not fit the frame type");
  return h;
}

} // namespace kith::libp2p
