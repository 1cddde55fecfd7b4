// The phases of a connection, and its public face. See connection.hpp; the streams are in
// connection_channels.cpp.
#include "protocols/libp2p/connection.hpp"

#include "protocols/libp2p/connection_impl.hpp"
#include "runtime/identity/keys.hpp"

namespace kith::libp2p {

static_assert(write_size_best == noise_plaintext_max - yamux_header_size);

static yamux_limits limits_of(const connection_options& o) {
  yamux_limits l;
  l.streams_max = o.streams_max;
  l.window_size_max = o.window_size_max;
  l.windows_size_max = o.windows_size_max;
  l.output_size_max = o.output_size_max;
  l.keepalive_interval = o.keepalive_interval;
  l.keepalive_time_max = o.keepalive_time_max;
  return l;
}

connection::impl::impl(role side, const secret_key& node_key, random_source& random,
                       connection_options options, time_point now)
    : side_(side), random_(&random), options_(std::move(options)), supported_(options_.protocols),
      node_public_(node_key.public_key()), started_at_(now), now_(now) {
  supported_.emplace_back(ping_protocol);
  supported_.emplace_back(identify_protocol);
  upgrade_.emplace(side, node_key, random, options_.expected_peer,
                   options_.early_muxer ? muxers_ : std::vector<std::string>());
}

result<void> connection::impl::set_failure(error e) {
  failure = std::move(e);
  return fail(*failure);
}

result<void> connection::impl::receive(byte_view in, time_point now) {
  if (failure) return fail(*failure);
  now_ = now;
  if (!peer) {
    if (auto r = upgrade_->receive(in); !r) return set_failure(r.error());
    if (upgrade_->complete())
      if (auto r = become_secured(); !r) return set_failure(r.error());
  }
  while (peer && !in.empty()) {
    auto plain = receiver_->receive(in);
    if (!plain) return set_failure(plain.error());
    if (!*plain) break;
    if (auto r = handle_plain(std::move(**plain)); !r) return set_failure(r.error());
  }
  if (output_size() > options_.output_size_max + control_output_max)
    return set_failure({errc::overloaded, "output_full", "the peer asks for more than it reads"});
  return {};
}

result<void> connection::impl::become_secured() {
  KITH_ASSIGN(auto agreed, upgrade_->muxer());
  peer = upgrade_->peer();
  events.push_back(secured{*peer, upgrade_->hash()});
  auto ciphers = upgrade_->split();
  sender_.emplace(std::move(ciphers.send), std::move(upgrade_->output()));
  receiver_.emplace(std::move(ciphers.receive));
  upgrade_.reset();
  if (agreed) { // it can only be yamux
    become_muxed(true);
    return {};
  }
  selecting_muxer_ =
      side_ == role::dialer ? negotiation::dial(muxers_) : negotiation::listen(muxers_);
  bytes out;
  selecting_muxer_->start(out);
  sender_->append(out);
  return {};
}

result<void> connection::impl::handle_plain(slice plain) {
  if (selecting_muxer_) {
    bytes out;
    auto rest = plain.view();
    KITH_TRY(selecting_muxer_->receive(rest, out));
    sender_->append(out);
    if (!selecting_muxer_->agreed()) return {};
    selecting_muxer_.reset();
    become_muxed(false);
    plain = plain.part(plain.size() - rest.size(), rest.size());
  }
  auto r = yamux_->receive(plain, now_, yamux_events_);
  handle_yamux_events();
  return r;
}

void connection::impl::become_muxed(bool early) {
  yamux_.emplace(side_, limits_of(options_), *sender_, now_);
  events.push_back(muxed{early});
  // A peer that cannot be asked now is not asked: nothing depends on it.
  if (options_.identify_peer) (void)open_channel(identify_protocol, use::identify_request);
}

result<void> connection::impl::tick(time_point now) {
  if (failure) return fail(*failure);
  now_ = now;
  if (!is_muxed()) {
    if (now - started_at_ < options_.handshake_time_max) return {};
    return set_failure(
        {errc::timeout, "handshake_timeout", "the peer did not complete the handshake"});
  }
  std::vector<stream_id> late;
  for (auto& [id, c] : channels_)
    if (c.deadline && now >= *c.deadline) late.push_back(id);
  for (auto id : late)
    abandon(id, {errc::timeout, "negotiation_timeout", "the peer did not answer on this stream"});
  if (auto r = yamux_->tick(now); !r) return set_failure(r.error());
  return {};
}

slice connection::impl::take_output() {
  if (!sender_)
    return upgrade_->output().empty() ? slice() : slice(std::exchange(upgrade_->output(), {}));
  auto out = sender_->take();
  if (sender_->failure() && !failure) failure = *sender_->failure();
  if (yamux_ && !failure) {
    yamux_->output_taken(yamux_events_);
    handle_yamux_events();
  }
  return out;
}

std::size_t connection::impl::output_size() const {
  return sender_ ? sender_->size() : upgrade_->output().size();
}

void connection::impl::shutdown() {
  if (yamux_) yamux_->go_away(yamux_code::normal);
}

// ---- the public face

connection::connection(role side, const secret_key& node_key, random_source& random,
                       connection_options options, time_point now)
    : impl_(std::make_unique<impl>(side, node_key, random, std::move(options), now)) {}
connection::~connection() = default;
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;

result<void> connection::receive(byte_view in, time_point now) { return impl_->receive(in, now); }
result<void> connection::tick(time_point now) { return impl_->tick(now); }
slice connection::take_output() { return impl_->take_output(); }
std::size_t connection::output_size() const { return impl_->output_size(); }
std::vector<event> connection::take_events(std::vector<event> reuse) {
  reuse.clear();
  return std::exchange(impl_->events, std::move(reuse));
}
result<stream_id> connection::open(std::string_view protocol) { return impl_->open(protocol); }
std::size_t connection::write(stream_id stream, byte_view data) {
  return impl_->write(stream, data);
}
std::size_t connection::send_window(stream_id stream) const { return impl_->send_window(stream); }
void connection::consume(stream_id stream, std::size_t count) { impl_->consume(stream, count); }
void connection::close_write(stream_id stream) { impl_->close_write(stream); }
void connection::reset(stream_id stream) { impl_->reset(stream); }
result<void> connection::ping(time_point now) { return impl_->ping(now); }
void connection::shutdown() { impl_->shutdown(); }
bool connection::is_muxed() const { return impl_->is_muxed(); }
const std::optional<did>& connection::peer() const { return impl_->peer; }
const std::optional<error>& connection::failure() const { return impl_->failure; }

} // namespace kith::libp2p
