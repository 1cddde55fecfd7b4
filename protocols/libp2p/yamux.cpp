// See yamux.hpp. Frames arrive in pieces of any size: the header is gathered, the payload is handed
// on as it comes.
#include "protocols/libp2p/yamux.hpp"

#include <algorithm>
#include <limits>

namespace kith::libp2p {

using kind = yamux_event::kind;

// A window that is used up within a few round trips is too small. The floor stands for how long a
// reader may sit between two turns on a quick network.
static constexpr int growth_round_trips = 4;
static constexpr duration growth_rtt_floor = std::chrono::milliseconds(2);

yamux_session::yamux_session(role side, const yamux_limits& limits, byte_sink& out, time_point now)
    : side_(side), limits_(limits), out_(&out), next_id_(side == role::dialer ? 1 : 2), now_(now),
      received_at_(now) {
  send_ping(); // for the first round-trip time
}

// ---- receiving

result<void> yamux_session::receive(const slice& in, time_point now,
                                    std::vector<yamux_event>& events) {
  if (failure_) return fail(*failure_);
  now_ = received_at_ = now;
  std::size_t at = 0;
  while (at < in.size()) {
    if (payload_left_ > 0) {
      auto n = std::min<std::size_t>(payload_left_, in.size() - at);
      payload_left_ -= std::uint32_t(n);
      deliver(in.part(at, n), events);
      at += n;
      continue;
    }
    auto n = std::min(yamux_header_size - header_filled_, in.size() - at);
    std::copy_n(in.data() + at, n, header_.begin() + header_filled_);
    header_filled_ += n;
    at += n;
    if (header_filled_ < yamux_header_size) break;
    header_filled_ = 0;
    auto header = decode_yamux_header(header_);
    if (!header)
      return protocol_error(header.error().category, header.error().code, header.error().context);
    KITH_TRY(handle_header(*header, events));
  }
  return {};
}

result<void> yamux_session::handle_header(const yamux_header& h, std::vector<yamux_event>& events) {
  switch (h.type) {
  case yamux_type::ping: handle_ping(h); return {};
  case yamux_type::go_away:
    peer_going_away_ = true;
    events.push_back({kind::going_away, 0, {}, h.length});
    return {};
  case yamux_type::data:
  case yamux_type::window_update: break;
  }
  if ((h.flags & yamux_syn) != 0) {
    KITH_TRY(handle_syn(h, events));
  } else if (!was_ever_open(h.stream)) {
    return protocol_error(errc::malformed, "bad_yamux",
                          "a frame for a stream that was never opened");
  }
  return handle_stream_frame(h, events);
}

result<void> yamux_session::handle_syn(const yamux_header& h, std::vector<yamux_event>& events) {
  if (is_ours(h.stream))
    return protocol_error(errc::malformed, "bad_yamux", "the peer opened a stream of ours");
  if (contains(h.stream))
    return protocol_error(errc::malformed, "bad_yamux", "a stream was opened twice");
  inbound_id_max_ = std::max(inbound_id_max_, h.stream);
  if (going_away_ || streams_.size() >= limits_.streams_max) {
    send({yamux_type::window_update, yamux_rst, h.stream, 0});
    return {};
  }
  add_stream(h.stream, true);
  send({yamux_type::window_update, yamux_ack, h.stream, 0});
  events.push_back({kind::opened, h.stream, {}, 0});
  return {};
}

result<void> yamux_session::handle_stream_frame(const yamux_header& h,
                                                std::vector<yamux_event>& events) {
  bool is_data = h.type == yamux_type::data;
  auto it = streams_.find(h.stream);
  if (is_data) {
    // Also what is thrown away is bounded: an honest peer never had more credit than this.
    std::size_t length_max =
        it == streams_.end() ? limits_.window_size_max : it->second.receive_window;
    if (h.length > length_max)
      return protocol_error(errc::too_large, "window_exceeded",
                            "stream " + std::to_string(h.stream));
    payload_stream_ = h.stream;
    payload_left_ = h.length;
    payload_finishes_ = false;
  }
  if (it == streams_.end()) return {}; // reset or closed here while this was under way
  auto& s = it->second;
  if ((h.flags & yamux_ack) != 0 && !s.inbound && !s.acknowledged) {
    s.acknowledged = true;
    --unacknowledged_count_;
  }
  if ((h.flags & yamux_rst) != 0) {
    events.push_back({kind::reset, h.stream, {}, 0});
    erase(it);
    return {};
  }
  if (is_data) {
    if (s.finished_in && h.length > 0)
      return protocol_error(errc::malformed, "bad_yamux", "data after the end of a stream");
    s.receive_window -= h.length;
  } else if (h.length > 0) {
    s.send_window += h.length;
    if (s.send_window > std::numeric_limits<std::uint32_t>::max())
      return protocol_error(errc::too_large, "window_overflow",
                            "stream " + std::to_string(h.stream));
    if (s.starved && output_room() > 0) {
      s.starved = false;
      std::erase(starved_, h.stream);
      events.push_back({kind::writable, h.stream, {}, 0});
    }
  }
  if ((h.flags & yamux_fin) != 0) {
    if (payload_left_ > 0 && is_data)
      payload_finishes_ = true;
    else
      finish_in(h.stream, events);
  }
  return {};
}

void yamux_session::deliver(const slice& data, std::vector<yamux_event>& events) {
  auto it = streams_.find(payload_stream_);
  if (it == streams_.end()) return;
  it->second.unconsumed += std::uint32_t(data.size());
  events.push_back({kind::data, payload_stream_, data, 0});
  if (payload_left_ == 0 && payload_finishes_) finish_in(payload_stream_, events);
}

void yamux_session::finish_in(stream_id id, std::vector<yamux_event>& events) {
  auto it = streams_.find(id);
  if (it == streams_.end() || it->second.finished_in) return;
  it->second.finished_in = true;
  events.push_back({kind::finished, id, {}, 0});
  if (!it->second.finished_out) return;
  events.push_back({kind::closed, id, {}, 0});
  erase(it);
}

void yamux_session::handle_ping(const yamux_header& h) {
  if ((h.flags & yamux_syn) != 0) {
    send({yamux_type::ping, yamux_ack, 0, h.length});
  } else if ((h.flags & yamux_ack) != 0 && ping_sent_at_ && h.length == ping_value_) {
    rtt_ = now_ - *ping_sent_at_;
    ping_sent_at_.reset();
  }
}

result<void> yamux_session::protocol_error(errc category, std::string code, std::string context) {
  go_away(yamux_code::protocol_error);
  failure_ = error{category, std::move(code), std::move(context)};
  return fail(*failure_);
}

// ---- time

result<void> yamux_session::tick(time_point now) {
  if (failure_) return fail(*failure_);
  now_ = now;
  if (ping_sent_at_) {
    if (now - std::max(*ping_sent_at_, received_at_) < limits_.keepalive_time_max) return {};
    failure_ = error{errc::timeout, "keepalive_timeout", "the peer does not answer yamux pings"};
    return fail(*failure_);
  }
  if (now - received_at_ >= limits_.keepalive_interval) send_ping();
  return {};
}

void yamux_session::send_ping() {
  ping_sent_at_ = now_;
  send({yamux_type::ping, yamux_syn, 0, ++ping_value_});
}

// ---- sending

result<stream_id> yamux_session::open() {
  if (failure_) return fail(*failure_);
  if (peer_going_away_ || going_away_)
    return fail(errc::unavailable, "going_away", "the connection is ending");
  if (streams_.size() >= limits_.streams_max)
    return fail(errc::overloaded, "streams_max",
                std::to_string(limits_.streams_max) + " streams are open");
  if (unacknowledged_count_ >= limits_.ack_backlog_max)
    return fail(errc::overloaded, "ack_backlog",
                "the peer has not yet accepted the streams opened before");
  if (next_id_ > std::numeric_limits<stream_id>::max() - 2)
    return fail(errc::overloaded, "stream_ids", "the connection is used up: dial a new one");
  auto id = next_id_;
  next_id_ += 2;
  add_stream(id, false);
  ++unacknowledged_count_;
  send({yamux_type::window_update, yamux_syn, id, 0});
  return id;
}

std::size_t yamux_session::write(stream_id id, byte_view data) {
  auto it = streams_.find(id);
  if (it == streams_.end() || it->second.finished_out || failure_) return 0;
  auto& s = it->second;
  auto taken = std::min({data.size(), std::size_t(s.send_window), output_room()});
  if (taken < data.size() && !s.starved) {
    s.starved = true;
    starved_.push_back(id);
  }
  send_data(s, id, data.first(taken));
  return taken;
}

bool yamux_session::write_control(stream_id id, byte_view data) {
  auto it = streams_.find(id);
  if (it == streams_.end() || it->second.finished_out || failure_) return false;
  if (it->second.send_window < data.size()) return false;
  send_data(it->second, id, data);
  return true;
}

void yamux_session::send_data(stream& s, stream_id id, byte_view data) {
  s.send_window -= data.size();
  while (!data.empty()) {
    auto part = data.first(std::min(data.size(), yamux_frame_size_max));
    send({yamux_type::data, 0, id, std::uint32_t(part.size())});
    out_->append(part);
    data = data.subspan(part.size());
  }
}

std::size_t yamux_session::send_window(stream_id id) const {
  auto it = streams_.find(id);
  if (it == streams_.end() || it->second.finished_out || failure_) return 0;
  return std::min(std::size_t(it->second.send_window), output_room());
}

void yamux_session::output_taken(std::vector<yamux_event>& events) {
  if (starved_.empty() || output_room() == 0) return;
  std::erase_if(starved_, [&](stream_id id) {
    auto it = streams_.find(id);
    if (it == streams_.end()) return true;
    if (it->second.send_window == 0) return false;
    it->second.starved = false;
    events.push_back({kind::writable, id, {}, 0});
    return true;
  });
}

void yamux_session::consume(stream_id id, std::size_t count) {
  auto it = streams_.find(id);
  if (it == streams_.end() || failure_) return;
  auto& s = it->second;
  auto n = std::uint32_t(std::min<std::size_t>(count, s.unconsumed));
  s.unconsumed -= n;
  s.uncredited += n;
  if (s.finished_in || s.uncredited < s.window_size / 2) return;
  auto window_before = s.window_size;
  grow_window(s);
  auto credit = s.uncredited + (s.window_size - window_before);
  s.uncredited = 0;
  s.receive_window += credit;
  s.credited_at = now_;
  send({yamux_type::window_update, 0, id, credit});
}

void yamux_session::grow_window(stream& s) {
  auto rtt = std::max(rtt_.value_or(duration::zero()), growth_rtt_floor);
  if (now_ - s.credited_at > growth_round_trips * rtt) return;
  auto room = limits_.windows_size_max - std::min(limits_.windows_size_max, windows_size_);
  auto larger = std::min<std::size_t>(std::size_t(s.window_size) * 2, limits_.window_size_max);
  if (larger <= s.window_size || larger - s.window_size > room) return;
  windows_size_ += larger - s.window_size;
  s.window_size = std::uint32_t(larger);
}

bool yamux_session::close_write(stream_id id) {
  auto it = streams_.find(id);
  if (it == streams_.end() || it->second.finished_out || failure_) return false;
  it->second.finished_out = true;
  send({yamux_type::data, yamux_fin, id, 0});
  if (!it->second.finished_in) return false;
  erase(it);
  return true;
}

void yamux_session::reset(stream_id id) {
  auto it = streams_.find(id);
  if (it == streams_.end() || failure_) return;
  send({yamux_type::window_update, yamux_rst, id, 0});
  erase(it);
}

void yamux_session::go_away(yamux_code code) {
  if (going_away_ || failure_) return;
  going_away_ = true;
  send({yamux_type::go_away, 0, 0, std::uint32_t(code)});
}

// ---- bookkeeping

void yamux_session::send(const yamux_header& h) { out_->append(encode(h)); }

void yamux_session::add_stream(stream_id id, bool inbound) {
  stream s;
  s.inbound = inbound;
  s.credited_at = now_;
  windows_size_ += s.window_size;
  streams_.emplace(id, s);
}

void yamux_session::erase(streams::iterator it) {
  auto& s = it->second;
  windows_size_ -= s.window_size;
  if (!s.inbound && !s.acknowledged) --unacknowledged_count_;
  if (s.starved) std::erase(starved_, it->first);
  streams_.erase(it);
}

bool yamux_session::was_ever_open(stream_id id) const {
  return is_ours(id) ? id < next_id_ : id <= inbound_id_max_;
}

std::size_t yamux_session::output_room() const {
  auto used = out_->size();
  return used >= limits_.output_size_max ? 0 : limits_.output_size_max - used;
}

std::size_t yamux_session::window_size(stream_id id) const {
  auto it = streams_.find(id);
  return it == streams_.end() ? 0 : it->second.window_size;
}

} // namespace kith::libp2p
