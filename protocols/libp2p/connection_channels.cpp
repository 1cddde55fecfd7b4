// The streams of a connection: each first agrees on its protocol; ping and identify are served
// here, the rest is the caller's.
#include "protocols/libp2p/connection_impl.hpp"
#include "protocols/libp2p/peer_id.hpp"

namespace kith::libp2p {

void connection::impl::handle_yamux_events() {
  // Handling may write and reset, never receive: no events are added meanwhile.
  for (auto& e : yamux_events_) handle_yamux_event(e);
  yamux_events_.clear();
}

void connection::impl::handle_yamux_event(yamux_event& e) {
  if (e.what == yamux_event::kind::opened) return handle_opened(e.stream);
  if (e.what == yamux_event::kind::going_away) {
    events.push_back(going_away{e.code});
    return;
  }
  auto it = channels_.find(e.stream);
  if (it == channels_.end()) return; // abandoned meanwhile
  auto& c = it->second;
  switch (e.what) {
  case yamux_event::kind::data: handle_data(e.stream, c, std::move(e.data)); break;
  case yamux_event::kind::writable:
    if (c.what == use::application) events.push_back(stream_writable{e.stream});
    break;
  case yamux_event::kind::finished: handle_finished(e.stream, c); break;
  case yamux_event::kind::closed:
    if (c.what == use::application) events.push_back(stream_closed{e.stream});
    if (c.what == use::ping_answer) --ping_answer_count_;
    channels_.erase(it);
    break;
  case yamux_event::kind::reset:
    handle_reset(e.stream, c, {errc::cancelled, "stream_reset", "by the peer"});
    channels_.erase(it);
    break;
  case yamux_event::kind::opened:
  case yamux_event::kind::going_away: break;
  }
}

void connection::impl::handle_opened(stream_id id) {
  channel c;
  c.inbound = true;
  c.deadline = now_ + options_.negotiation_time_max;
  c.selecting = std::make_unique<negotiation>(negotiation::listen(supported_));
  channels_.emplace(id, std::move(c));
}

void connection::impl::handle_data(stream_id id, channel& c, slice data) {
  if (data.empty()) return;
  if (c.what == use::application) {
    events.push_back(stream_data{id, std::move(data)});
    return;
  }
  if (c.what == use::negotiating) return negotiate(id, c, std::move(data));
  yamux_->consume(id, data.size());
  if (c.what == use::ping_answer) {
    bytes out;
    c.answer->receive(data, out);
    if (!yamux_->write_control(id, out))
      abandon(id, {errc::overloaded, "ping_flood", "echoes are not read"});
  } else if (c.what == use::ping_request) {
    handle_pong(id, c, data);
  } else if (c.what == use::identify_request) {
    handle_identify(id, c, data);
  } else {
    abandon(id, {errc::malformed, "bad_identify", "data from who asked"});
  }
}

void connection::impl::negotiate(stream_id id, channel& c, slice data) {
  bytes out;
  auto rest = data.view();
  auto r = c.selecting->receive(rest, out);
  auto used = data.size() - rest.size();
  yamux_->consume(id, used);
  if (!r) {
    auto& e = r.error();
    if (e.category == errc::unsupported)
      return abandon(id, {e.category, "protocol_refused", e.context});
    return abandon(id, {e.category, "bad_negotiation", e.what()});
  }
  if (!out.empty() && !yamux_->write_control(id, out))
    return abandon(id, {errc::malformed, "bad_negotiation", "answers are not read"});
  if (!c.selecting->agreed()) return;
  auto protocol = *c.selecting->agreed();
  c.selecting.reset();
  c.deadline.reset();
  become(id, c, protocol);
  // It may have been abandoned at once.
  if (auto it = channels_.find(id); it != channels_.end())
    handle_data(id, it->second, data.part(used, rest.size()));
}

void connection::impl::become(stream_id id, channel& c, const std::string& protocol) {
  c.what = c.wanted;
  if (c.inbound && protocol == ping_protocol) c.what = use::ping_answer;
  if (c.inbound && protocol == identify_protocol) c.what = use::identify_answer;
  switch (c.what) {
  case use::negotiating: break;
  case use::application: events.push_back(stream_opened{id, protocol, c.inbound}); break;
  case use::ping_answer:
    c.answer = std::make_unique<libp2p::ping_answer>();
    if (++ping_answer_count_ > ping_inbound_streams_max)
      abandon(id, {errc::overloaded, "ping_streams", "too many ping streams"});
    break;
  case use::ping_request:
    c.deadline = now_ + options_.ping_time_max;
    c.request = std::make_unique<libp2p::ping_request>(*random_);
    if (!yamux_->write_control(id, c.request->start(now_)))
      abandon(id, {errc::unavailable, "bad_pong", "the peer gives no window"});
    break;
  case use::identify_answer:
    c.deadline = now_ + options_.negotiation_time_max;
    answer_identify(id);
    break;
  case use::identify_request:
    c.deadline = now_ + options_.negotiation_time_max;
    c.frame = std::make_unique<varint_frame_reader>(identify_message_max);
    break;
  }
}

// ---- identify

void connection::impl::answer_identify(stream_id id) {
  identify_message m;
  m.public_key = to_bytes(public_key_message(node_public_));
  m.protocols = supported_;
  m.agent_version = options_.agent_version;
  m.protocol_version = "ipfs/0.1.0";
  m.listen_addrs = options_.listen_addrs;
  m.observed_addr = options_.observed_addr;
  bytes frame;
  put_frame(frame, encode(m));
  if (!yamux_->write_control(id, frame))
    return abandon(id, {errc::too_large, "identify_too_large", "over the window"});
  if (yamux_->close_write(id)) channels_.erase(id);
}

void connection::impl::handle_identify(stream_id id, channel& c, byte_view data) {
  auto give_up = [&](error why) { abandon(id, std::move(why)); };
  auto complete = c.frame->receive(data);
  if (!complete) return give_up(complete.error());
  if (!*complete) return;
  auto m = decode_identify(c.frame->body());
  if (!m) return give_up(m.error());
  auto key = peer->ed25519();
  if (!m->public_key.empty() && !(key && equal(m->public_key, public_key_message(*key))))
    return give_up({errc::malformed, "bad_identify", "another key than the handshake's"});
  events.push_back(identified{std::move(m->protocols), std::move(m->agent_version),
                              std::move(m->listen_addrs), std::move(m->observed_addr)});
  if (yamux_->close_write(id)) channels_.erase(id);
}

// ---- ping

result<void> connection::impl::ping(time_point now) {
  now_ = now;
  if (ping_stream_) return fail(errc::overloaded, "ping_in_progress", "one at a time");
  KITH_ASSIGN(ping_stream_, open_channel(ping_protocol, use::ping_request));
  return {};
}

void connection::impl::handle_pong(stream_id id, channel& c, byte_view data) {
  if (ping_stream_ != id)
    return abandon(id, {errc::malformed, "bad_pong", "more than was asked for"});
  auto rtt = c.request->receive(data, now_);
  if (!rtt) return abandon(id, rtt.error());
  if (!*rtt) return;
  ping_stream_.reset();
  events.push_back(pong{**rtt});
  if (yamux_->close_write(id)) channels_.erase(id);
}

// ---- endings

void connection::impl::handle_finished(stream_id id, channel& c) {
  switch (c.what) {
  case use::application: events.push_back(stream_finished{id}); break;
  case use::negotiating:
    abandon(id, {errc::cancelled, "stream_reset", "closed before a protocol was agreed on"});
    break;
  case use::ping_answer:
    // At once: js-libp2p opens its next ping stream only when this one is gone.
    if (yamux_->close_write(id)) {
      --ping_answer_count_;
      channels_.erase(id);
    }
    break;
  case use::ping_request:
    if (ping_stream_ == id)
      abandon(id, {errc::cancelled, "stream_reset", "closed without an echo"});
    break;
  case use::identify_answer:
  case use::identify_request: break; // the closed event or the deadline ends them
  }
}

void connection::impl::abandon(stream_id id, error why) {
  auto it = channels_.find(id);
  if (it == channels_.end()) return;
  yamux_->reset(id);
  handle_reset(id, it->second, std::move(why));
  channels_.erase(it);
}

void connection::impl::handle_reset(stream_id id, channel& c, error why) {
  auto role_of = c.what == use::negotiating && !c.inbound ? c.wanted : c.what;
  if (role_of == use::application) events.push_back(stream_reset{id, std::move(why)});
  if (role_of == use::ping_answer) --ping_answer_count_;
  if (role_of == use::ping_request && ping_stream_ == id) {
    ping_stream_.reset();
    events.push_back(ping_failed{std::move(why)});
  }
}

// ---- what the caller does with its streams

result<stream_id> connection::impl::open_channel(std::string_view protocol, use wanted) {
  if (failure) return fail(*failure);
  if (!yamux_) return fail(errc::unavailable, "not_muxed", "the handshake is not complete");
  if (protocol.empty() || protocol.size() > protocol_name_max)
    return fail(errc::too_large, "protocol_name", "1 to 1023 bytes");
  KITH_ASSIGN(auto id, yamux_->open());
  channel c;
  c.wanted = wanted;
  c.deadline = now_ + options_.negotiation_time_max;
  c.selecting = std::make_unique<negotiation>(negotiation::dial({std::string(protocol)}));
  bytes out;
  c.selecting->start(out);
  yamux_->write_control(id, out); // a new stream has 256 KiB of window
  channels_.emplace(id, std::move(c));
  return id;
}

result<stream_id> connection::impl::open(std::string_view protocol) {
  return open_channel(protocol, use::application);
}

bool connection::impl::is_application(stream_id id) const {
  auto it = channels_.find(id);
  return it != channels_.end() && it->second.what == use::application;
}

std::size_t connection::impl::write(stream_id stream, byte_view data) {
  return !failure && is_application(stream) ? yamux_->write(stream, data) : 0;
}

std::size_t connection::impl::send_window(stream_id stream) const {
  return !failure && is_application(stream) ? yamux_->send_window(stream) : 0;
}

void connection::impl::consume(stream_id stream, std::size_t count) {
  if (is_application(stream)) yamux_->consume(stream, count);
}

void connection::impl::close_write(stream_id stream) {
  if (!is_application(stream) || !yamux_->close_write(stream)) return;
  channels_.erase(stream);
  events.push_back(stream_closed{stream});
}

void connection::impl::reset(stream_id stream) {
  auto it = channels_.find(stream);
  if (it == channels_.end()) return;
  bool own = it->second.what == use::application ||
             (it->second.what == use::negotiating && !it->second.inbound &&
              it->second.wanted == use::application);
  if (!own) return;
  yamux_->reset(stream);
  channels_.erase(it);
}

} // namespace kith::libp2p
