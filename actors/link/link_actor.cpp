#include "actors/link/link_actor.hpp"

namespace kith {

link_actor::link_actor(caf::actor_config& config, did peer, caf::actor cluster, link_ports ports,
                       std::shared_ptr<actor_gate> gate)
    : caf::event_based_actor(config), peer_(std::move(peer)), cluster_(std::move(cluster)),
      ports_(std::move(ports)), gate_(std::move(gate)),
      streams_({ports_.time, ports_.disk,
                [this](const did& agent) -> std::optional<bytes> {
                  auto made = ports_.delegations.get(agent, ports_.time.wall());
                  return made ? std::optional(made->encode()) : std::nullopt;
                },
                [this](const stream_id& s, sequence upto) {
                  if (auto where = ports_.router.find(s.from); where.mailbox)
                    send(where.mailbox, stream_acked{s, upto});
                },
                [this](std::string_view level, const std::string& text) {
                  if (level == "error")
                    ports_.log.error(text, {{"peer", peer_.text()}});
                  else
                    ports_.log.warn(text, {{"peer", peer_.text()}});
                }}) {}

void link_actor::on_exit() {
  if (session_) session_->close(wire::parting::other, "its link ended");
  session_.reset();
  cluster_ = nullptr;
}

caf::behavior link_actor::make_behavior() {
  delayed_send(this, ping_interval, link_tick{});
  return {
      [this](outgoing& out) {
        gate_->leave(out.envelopes.size(), out.size_bytes());
        streams_.offer(out);
        streams_.pump();
      },
      [this](outgoing_volatile& out) {
        gate_->leave(out.envelopes.size(), out.size_bytes());
        streams_.offer(out);
      },
      [this](queue_overflow&) {
        gate_->clear_overflow(); // first: whoever is refused from now on tells us again
        open_streams();
        streams_.pump();
      },
      [this](const stream_position& p) { position(p); },
      [this](link_frames& f) {
        if (session_ && f.session == session_->id()) frames(f);
      },
      [this](const link_drained& d) {
        if (session_ && d.session == session_->id()) streams_.pump();
      },
      [this](const link_lost& l) {
        if (session_ && l.session == session_->id()) lost(l.why);
      },
      [this](adopt_session& a) { adopt(std::move(a.session)); },
      [this](link_say& s) {
        if (session_)
          for (const auto& f : s.frames) control(f);
      },
      [this](const directory_change& d) {
        if (!session_) return;
        for (auto& f : wire::encode_split(wire::directory{ports_.self, false, false, d.entries}))
          session_->send_control(std::move(f));
      },
      [this](link_tick&) { tick(); },
      [this](const stop_child& s) {
        if (session_)
          session_->close(s.drain ? wire::parting::shutdown : wire::parting::other,
                          "the node stops");
        ports_.router.remove_link(peer_);
        quit();
      },
  };
}

void link_actor::control(const wire::frame& f) { session_->send_control(wire::encode(f)); }
void link_actor::data(bytes frame) { session_->send_data(std::move(frame)); }
bool link_actor::room() const { return session_ && session_->room(); }
bool link_actor::takes_at_least_once() const { return session_ && session_->takes_at_least_once(); }

void link_actor::adopt(std::shared_ptr<link_session> session) {
  if (session_) {
    // Both sides dialled: the connection that the smaller DID dialled stays, on both sides.
    bool ours = ports_.self < peer_;
    bool keep_old = session_->dialed() == ours && session->dialed() != ours;
    if (keep_old) return session->close(wire::parting::replaced, "there is another connection");
    session_->close(wire::parting::replaced, "there is another connection");
    streams_.disconnected();
  }
  session_ = std::move(session);
  inbound_.clear();
  heard_ = ports_.time.now();
  pinged_ = {};
  session_->attach(caf::actor_cast<caf::actor>(this));
  ports_.peers.update(peer_, [](peer_status& p) { p.state = "up"; });
  ports_.log.info("link up", {{"peer", peer_.text()}, {"dialed", session_->dialed()}});
  announce();
  streams_.connected(this);
  open_streams();
  send(cluster_, link_changed{peer_, true});
}

// Whatever the agents here have for those of the peer.
void link_actor::open_streams() {
  for (const auto& agent : ports_.router.remotes_of(peer_))
    for (const auto& s : ports_.router.streams_to(agent)) streams_.open(s, false);
}

void link_actor::announce() {
  wire::directory all{ports_.self, true, false, ports_.directory.of(ports_.self)};
  for (auto& f : wire::encode_split(all)) session_->send_control(std::move(f));
}

void link_actor::frames(link_frames& f) {
  heard_ = ports_.time.now();
  for (auto& one : f.frames) {
    if (!session_) return;
    frame(one);
  }
  streams_.pump();
  if (session_) session_->handled(f.frames.size());
}

void link_actor::frame(wire::frame& f) {
  if (auto* a = std::get_if<wire::ack>(&f)) {
    if (a->synced > seen_) seen_ = a->synced;
    if (auto ok = streams_.ack(*a); !ok)
      session_->close(wire::parting::protocol_error, ok.error().what());
  } else if (auto* p = std::get_if<wire::positions>(&f)) {
    streams_.positions(*p);
  } else if (auto* o = std::get_if<wire::stream_open>(&f)) {
    inbound_[o->stream] = o->number;
    if (!ports_.router.is_local(o->stream.to))
      control(wire::not_here{o->number, wire::absence::unknown});
  } else if (auto* n = std::get_if<wire::not_here>(&f)) {
    streams_.not_here(*n);
  } else if (auto* k = std::get_if<wire::fork>(&f)) {
    streams_.fork(*k);
  } else if (auto* d = std::get_if<wire::directory>(&f)) {
    take_directory(*d);
  } else if (auto* m = std::get_if<wire::members>(&f)) {
    send(cluster_, members_heard{peer_, std::move(m->list)});
  } else if (auto* g = std::get_if<wire::pong>(&f)) {
    if (g->nonce != nonce_) return;
    auto rtt =
        std::chrono::duration_cast<std::chrono::microseconds>(ports_.time.now() - pinged_).count();
    pinged_ = {};
    ports_.peers.update(peer_, [&](peer_status& status) { status.rtt_us = std::uint64_t(rtt); });
  } else if (auto* bye = std::get_if<wire::goodbye>(&f)) {
    ports_.log.info("peer ends the link", {{"peer", peer_.text()}, {"why", bye->text}});
  }
}

void link_actor::take_directory(const wire::directory& d) {
  if (d.node != peer_) return; // a node speaks for its own agents only
  if (d.full) {
    ports_.directory.erase_node(peer_);
    for (const auto& agent : ports_.router.remotes_of(peer_))
      ports_.router.remove_remote(agent, peer_);
  }
  for (const auto& e : d.list) {
    if (e.removed) {
      ports_.directory.erase(e.agent);
      ports_.router.remove_remote(e.agent, peer_);
      continue;
    }
    if (!ports_.router.set_remote(e.agent, peer_, e.epoch)) continue;
    ports_.directory.put(peer_, e);
    // The whole listing comes right after we asked; a change says that who was asked has come up.
    for (const auto& s : ports_.router.streams_to(e.agent)) streams_.open(s, !d.full);
  }
}

// A mailbox says how far the peer's stream is here: the ack, and the credit with it.
void link_actor::position(const stream_position& p) {
  if (!session_ || p.session != session_->id()) return;
  auto number = inbound_.find(p.stream);
  if (number == inbound_.end()) return;
  if (p.quarantined) return control(wire::not_here{number->second, wire::absence::quarantined});
  if (p.rewind) return control(wire::positions{{{p.stream, p.head, p.credit_seq, p.credit_bytes}}});
  control(wire::ack{{{number->second, p.head.next - 1, p.credit_seq, p.credit_bytes}},
                    ports_.journal.synced()});
}

void link_actor::tick() {
  delayed_send(this, ping_interval, link_tick{});
  if (!session_) return;
  auto now = ports_.time.now();
  if (now - heard_ > silence_max) {
    session_->close(wire::parting::other, "no answer to pings");
    return lost({errc::timeout, "peer_silent", "no answer to pings"});
  }
  if (pinged_ == time_point{}) {
    pinged_ = now;
    control(wire::ping{++nonce_});
  }
  streams_.tick();
  streams_.pump();
  ports_.remember(peer_, seen_);
  ports_.peers.update(peer_, [&](peer_status& p) {
    p.unacknowledged = streams_.unacknowledged();
    p.volatile_dropped = streams_.volatile_dropped() + gate_->dropped;
    p.queue_bytes = session_->data_waiting();
    p.credit_stalls = streams_.credit_stalls();
  });
}

void link_actor::lost(const error& why) {
  ports_.log.warn("link lost", {{"peer", peer_.text()}, {"why", why.what()}});
  session_ = nullptr;
  streams_.disconnected();
  ports_.peers.update(peer_, [](peer_status& p) {
    p.state = "down";
    p.queue_bytes = 0;
  });
  send(cluster_, link_changed{peer_, false});
}

} // namespace kith
