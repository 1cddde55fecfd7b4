#include "actors/link/link_session.hpp"

namespace kith {

namespace {
std::atomic<std::uint64_t> next_session_id{1}; // names sessions in logs and acks; carries no state
constexpr duration tick_interval = std::chrono::seconds(1);
} // namespace

std::shared_ptr<link_session> link_session::start(std::unique_ptr<net::byte_stream> socket,
                                                  bool dialed, std::optional<did> expected,
                                                  wire::hello hello, session_ports ports,
                                                  events handlers) {
  // Whoever lets go of it last, it ends on the reactor's thread, or with what that had still to do.
  auto& reactor = ports.reactor;
  std::shared_ptr<link_session> s(new link_session(std::move(ports)), [&reactor](link_session* p) {
    reactor.post([last = std::shared_ptr<link_session>(p)] {});
  });
  s->id_ = next_session_id++;
  s->events_ = std::move(handlers);
  s->socket_ = std::move(socket);
  s->hello_ = std::move(hello);
  s->peer_.dialed = dialed;
  s->began_ = s->ports_.time.now();
  s->peer_.address = s->socket_->remote_address();
  libp2p::connection_options options;
  options.expected_peer = std::move(expected);
  options.protocols = {std::string(wire::protocol_name)};
  s->connection_ = std::make_unique<libp2p::connection>(
      dialed ? libp2p::role::dialer : libp2p::role::listener, s->ports_.node_key, s->ports_.random,
      std::move(options), s->began_);
  // The socket lives no longer than the session, so plain pointers would do, but for handlers that
  // end the session.
  auto weak = s->weak_from_this();
  s->socket_->start({[weak](byte_view data) {
                       if (auto self = weak.lock()) self->received(data);
                     },
                     [weak] {
                       if (auto self = weak.lock()) self->flush();
                     },
                     [weak](const error& why) {
                       if (auto self = weak.lock()) self->fail(why);
                     }});
  s->pump_output();
  s->wait_for_tick();
  return s;
}

link_session::~link_session() = default;

void link_session::tick() {
  if (closed_) return;
  if (auto ok = connection_->tick(ports_.time.now()); !ok) {
    pump_output();
    return fail(ok.error());
  }
  pump_output();
  if (!announced_ && ports_.time.now() - began_ >= handshake_max)
    return fail({errc::timeout, "handshake_timeout", "no hello and welcome in time"});
  wait_for_tick();
}

// Until it is open nobody else holds it: the timer does, and dies with the reactor.
void link_session::wait_for_tick() {
  ports_.reactor.cancel(timer_);
  auto hold = announced_ ? nullptr : shared_from_this();
  timer_ = ports_.reactor.after(tick_interval, [weak = weak_from_this(), hold] {
    if (auto self = weak.lock()) self->tick();
  });
}

void link_session::received(byte_view data) {
  auto self = shared_from_this(); // a handler may drop the last other reference
  auto ok = connection_->receive(data, ports_.time.now());
  for (auto& e : connection_->take_events()) {
    if (closed_) return;
    handle(e);
  }
  if (!ok && !closed_) {
    pump_output();
    return fail(ok.error());
  }
  if (closed_) return;
  hand_over();
  flush();
}

void link_session::handle(libp2p::event& e) {
  if (auto* data = std::get_if<libp2p::stream_data>(&e)) return stream_bytes(*data);
  if (auto* secured = std::get_if<libp2p::secured>(&e)) {
    if (secured->peer == ports_.node_key.did())
      return fail({errc::conflict, "own_address", "this very node answers there"});
    peer_.node = secured->peer;
    verifier_ = std::make_unique<verifier>(secured->peer);
    auto role = peer_.dialed ? wire::role::dialer : wire::role::listener;
    session_ = std::make_unique<wire::session>(role, ports_.cluster_secret.expose(),
                                               secured->handshake_hash, ports_.node_key.did(),
                                               secured->peer);
    return;
  }
  if (auto* muxed = std::get_if<libp2p::muxed>(&e)) {
    ports_.log.debug("muxed",
                     {{"peer", peer_.node.text()}, {"early", muxed->early ? "yes" : "no"}});
    if (!peer_.dialed) return;
    if (auto opened = connection_->open(wire::protocol_name); !opened) fail(opened.error());
    return;
  }
  if (auto* opened = std::get_if<libp2p::stream_opened>(&e)) return opened_stream(*opened);
  if (auto* reset = std::get_if<libp2p::stream_reset>(&e)) {
    if (peer_.dialed && !stream_) return fail(reset->why);
    if (stream_ && reset->stream == *stream_) return fail(reset->why);
    return;
  }
  auto ended = [&](libp2p::stream_id id) {
    if (stream_ && id == *stream_)
      fail({errc::unavailable, "closed_by_peer", "the peer ended the link"});
  };
  if (auto* closed = std::get_if<libp2p::stream_closed>(&e)) return ended(closed->stream);
  if (auto* finished = std::get_if<libp2p::stream_finished>(&e)) return ended(finished->stream);
}

void link_session::opened_stream(const libp2p::stream_opened& e) {
  if (e.protocol != wire::protocol_name) return;
  if (stream_ || e.inbound == peer_.dialed)
    return connection_->reset(e.stream); // one a connection, by the dialer
  stream_ = e.stream;
  if (ports_.seen) hello_.seen_of_you = ports_.seen(peer_.node);
  say(session_->make_hello(hello_));
}

void link_session::stream_bytes(const libp2p::stream_data& e) {
  if (!stream_ || e.stream != *stream_) return connection_->reset(e.stream);
  auto fed = decoder_.feed(e.data);
  for (auto& f : decoder_.take()) {
    if (closed_) return;
    frame(f);
  }
  if (closed_) return;
  if (!fed) return part(wire::parting::protocol_error, fed.error().what(), fed.error());
  unconsumed_ += e.data.size();
  open_window();
}

// Envelopes are handed on, and mailboxes bound what they take; frames wait at the link.
void link_session::open_window() {
  window_held_ = true; // before the look, so that whoever handles the last one tells us
  if (handed_ + for_link_.size() > frames_handed_max) return;
  window_held_ = false;
  if (closed_ || !stream_ || unconsumed_ == 0) return;
  connection_->consume(*stream_, std::exchange(unconsumed_, 0));
}

void link_session::handled(std::size_t count) {
  if (handed_.fetch_sub(count) - count > frames_handed_max / 2 || !window_held_) return;
  ports_.reactor.post([self = shared_from_this()] {
    if (self->closed_) return;
    self->open_window();
    self->pump_output();
  });
}

void link_session::frame(wire::frame& f) {
  if (auto legal = session_->received(f); !legal) {
    if (std::holds_alternative<wire::hello>(f)) {
      say(wire::refusal_for(legal.error()));
      flush();
    }
    return fail(legal.error());
  }
  if (!announced_) return handshake(f);
  if (auto* b = std::get_if<wire::batch>(&f)) return batch(*b);
  if (auto* v = std::get_if<wire::volatile_batch>(&f)) return unchained(*v);
  if (auto* part = std::get_if<wire::fragment>(&f)) return fragment(*part);
  if (auto* d = std::get_if<wire::delegations>(&f)) return take_delegations(*d);
  if (auto* o = std::get_if<wire::stream_open>(&f)) return open_number(*o);
  if (auto* p = std::get_if<wire::ping>(&f)) return say(wire::pong{p->nonce});
  for_link_.push_back(std::move(f));
}

void link_session::handshake(wire::frame& f) {
  if (auto* hello = std::get_if<wire::hello>(&f)) {
    peer_.hello = std::move(*hello);
    say(session_->make_welcome());
  }
  if (!session_->open()) return;
  announced_ = true;
  wait_for_tick();
  events_.open(shared_from_this(), peer_);
}

void link_session::take_delegations(const wire::delegations& d) {
  for (const auto& encoded : d.encoded) {
    auto made = delegation::decode(encoded);
    if (!made) return fail(made.error());
    auto floor = ports_.router.epoch_floor(made->agent);
    if (auto ok = verifier_->accept(*made, ports_.time.wall(), floor); !ok) {
      ports_.log.warn("delegation refused",
                      {{"peer", peer_.node.text()}, {"why", ok.error().what()}});
      continue; // its envelopes will be refused; the others' are good
    }
    ports_.router.set_remote(made->agent, peer_.node, made->epoch);
  }
}

// The peer will send a stream under this number: how far is it here?
void link_session::open_number(const wire::stream_open& o) {
  auto [given, fresh] = numbers_.emplace(o.number, o.stream);
  if (!fresh && given->second != o.stream)
    return fail({errc::malformed, "number_reused", "one number for two streams"});
  if (numbers_.size() > numbers_max)
    return fail({errc::too_large, "too_many_streams", "the peer numbers too many"});
  for_link_.push_back(o); // the mailbox is asked when the link's actor knows the number
}

void link_session::hand_over() {
  caf::actor link;
  {
    std::lock_guard lock(mutex_);
    link = link_;
  }
  if (!link || for_link_.empty()) return;
  std::vector<wire::stream_open> opened;
  for (const auto& f : for_link_)
    if (auto* o = std::get_if<wire::stream_open>(&f)) opened.push_back(*o);
  handed_ += for_link_.size();
  caf::anon_send(link, link_frames{id_, std::exchange(for_link_, {})});
  for (auto& o : opened) {
    const auto to = o.stream.to;
    ports_.router.at(to, [&](const route& where) {
      if (where.where == route::kind::local && where.mailbox)
        caf::anon_send(where.mailbox, position_query{std::move(o.stream), link, id_, o.kept});
    });
  }
}

void link_session::batch(wire::batch& b) {
  auto known = numbers_.find(b.number);
  if (known == numbers_.end())
    return fail({errc::malformed, "unknown_number", "a batch of a stream never opened"});
  if (b.head)
    if (auto ok = verifier_->verify_head(known->second, *b.head); !ok) {
      ports_.log.error("head signature refused",
                       {{"stream", known->second.text()}, {"why", ok.error().what()}});
      return fail(ok.error());
    }
  if (b.head && !b.items.empty()) {
    auto index = b.head->seq - b.first;
    if (b.head->seq >= b.first && index < b.items.size()) {
      auto e = envelope::parse(b.items[index].raw);
      if (e && e->hash() != b.head->last)
        return fail({errc::conflict, "head_mismatch",
                     "a signed head names other envelopes than were sent"});
    }
  }
  envelopes(b.number, b.items);
}

void link_session::fragment(wire::fragment& f) {
  auto whole = fragments_.add(f);
  if (!whole) return fail(whole.error());
  if (!*whole) return;
  std::vector<wire::batch::item> items;
  items.push_back({(*whole)->time_to_live_ms, (*whole)->raw});
  if ((*whole)->seq != 0) return envelopes((*whole)->number, items);
  wire::volatile_batch v{std::move(items)};
  unchained(v);
}

void link_session::envelopes(wire::stream_number number, std::vector<wire::batch::item>& items) {
  auto known = numbers_.find(number);
  if (known == numbers_.end())
    return fail({errc::malformed, "unknown_number", "a stream that was never opened"});
  arrival a;
  a.stream = known->second;
  a.session = id_;
  a.items.reserve(items.size());
  // The agent may have moved on since it delegated to this peer; another link heard of it.
  verifier_->raise_floor(a.stream.from, ports_.router.epoch_floor(a.stream.from));
  auto wall = ports_.time.wall();
  for (auto& item : items) {
    auto e = envelope::parse(item.raw);
    if (!e) return fail(e.error());
    auto v = verifier_->verify(a.stream, std::move(*e), wall);
    if (!v) {
      ports_.log.warn("envelope refused", {{"stream", a.stream.text()}, {"why", v.error().what()}});
      return say(wire::not_here{number, wire::absence::not_delegated});
    }
    a.items.push_back({std::move(*v), item.time_to_live_ms});
  }
  {
    std::lock_guard lock(mutex_);
    a.link = link_;
  }
  bool here = false;
  const auto to = a.stream.to;
  ports_.router.at(to, [&](const route& where) {
    here = where.where == route::kind::local && where.mailbox;
    // Without room it is as if it never came: what follows shows the gap, or the peer asks.
    if (here && where.gate->enter(a.size_bytes(), a.items.size()))
      caf::anon_send(where.mailbox, std::move(a));
  });
  if (!here) say(wire::not_here{number, wire::absence::unknown});
}

void link_session::unchained(wire::volatile_batch& b) {
  // Consecutive envelopes mostly have the same two ends.
  stream_id ends;
  std::vector<volatile_arrival::item> items;
  auto deliver = [&] {
    if (items.empty()) return;
    ports_.router.at(ends.to, [&](const route& where) {
      if (where.where == route::kind::local && where.mailbox) enter(where, std::move(items));
    });
    items.clear();
  };
  auto refuse = [&](const error& why) {
    deliver();
    fail(why);
  };
  auto wall = ports_.time.wall();
  for (auto& item : b.items) {
    auto e = envelope::parse(item.raw);
    if (!e) return refuse(e.error());
    if (ends.from.empty() || ends.from.text() != e->from() || ends.to.text() != e->to() ||
        ends.lane != e->lane()) {
      deliver();
      auto from = did::parse(e->from()), to = did::parse(e->to());
      if (!from || !to) return refuse({errc::malformed, "bad_did", "an envelope names no DID"});
      ends = {*from, *to, e->lane(), 0};
      verifier_->raise_floor(*from, ports_.router.epoch_floor(*from));
    }
    auto v = verifier_->verify(ends, std::move(*e), wall);
    if (!v) continue; // volatile: may be lost; the QoS 2 path reports it
    items.push_back({ends.from, std::move(*v)});
  }
  deliver();
}

void link_session::enter(const route& to, std::vector<volatile_arrival::item> items) {
  volatile_arrival a;
  for (auto& item : items) {
    if (!to.gate->enter(item.envelope->size()))
      ++to.gate->dropped;
    else
      a.items.push_back(std::move(item));
  }
  if (!a.items.empty()) caf::anon_send(to.mailbox, std::move(a));
}

} // namespace kith
