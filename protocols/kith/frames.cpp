#include "protocols/kith/frames.hpp"

namespace kith::wire {

std::string_view to_string(frame_type type) {
  switch (type) {
  case frame_type::hello: return "hello";
  case frame_type::welcome: return "welcome";
  case frame_type::refused: return "refused";
  case frame_type::goodbye: return "goodbye";
  case frame_type::ping: return "ping";
  case frame_type::pong: return "pong";
  case frame_type::delegations: return "delegations";
  case frame_type::streams: return "streams";
  case frame_type::positions: return "positions";
  case frame_type::stream_open: return "stream_open";
  case frame_type::ack: return "ack";
  case frame_type::backfill_request: return "backfill_request";
  case frame_type::not_here: return "not_here";
  case frame_type::fork: return "fork";
  case frame_type::batch: return "batch";
  case frame_type::volatile_batch: return "volatile";
  case frame_type::fragment: return "fragment";
  case frame_type::directory: return "directory";
  case frame_type::members: return "members";
  }
  return "?";
}

frame_type type_of(const frame& f) {
  // In the order of the variant's alternatives.
  static constexpr frame_type types[] = {
      frame_type::hello,          frame_type::welcome,  frame_type::refused,
      frame_type::goodbye,        frame_type::ping,     frame_type::pong,
      frame_type::delegations,    frame_type::streams,  frame_type::positions,
      frame_type::stream_open,    frame_type::ack,      frame_type::backfill_request,
      frame_type::not_here,       frame_type::fork,     frame_type::batch,
      frame_type::volatile_batch, frame_type::fragment, frame_type::directory,
      frame_type::members};
  static_assert(std::size(types) == std::variant_size_v<frame>);
  return types[f.index()];
}

} // namespace kith::wire
