#include "actors/membership/cluster_actor.hpp"

#include "actors/mailbox/keys.hpp"

#include <algorithm>

namespace kith {

cluster_actor::cluster_actor(caf::actor_config& config, cluster_options options,
                             cluster_ports ports, std::shared_ptr<seen_positions> seen)
    : caf::event_based_actor(config), options_(std::move(options)), ports_(std::move(ports)),
      seen_(std::move(seen)), members_(ports_.session.node_key.did(), options_.seeds) {}

void cluster_actor::on_exit() {
  waiting_.clear();
  ports_.links = nullptr;
  ports_.start_link = nullptr;
}

caf::behavior cluster_actor::make_behavior() {
  load_peers();
  tick();
  return {
      [this](cluster_tick&) { tick(); },
      [this](session_opened& s) { opened(s); },
      [this](const dial_failed& f) { failed(f); },
      [this](const link_started& l) { started(l.peer); },
      [this](const link_changed& c) { changed(c); },
      [this](const members_heard& m) { members_.heard(m.list, ports_.session.time.now()); },
      [this](const stop_child&) {
        stopping_ = true;
        quit();
      },
  };
}

void cluster_actor::load_peers() {
  auto from = keys::peers_begin();
  auto found = ports_.disk.scan(store::table::state, from, keys::end_of(from),
                                {membership::members_max, 16 << 20});
  if (!found) return ports_.log.error("known peers not readable", found.error());
  for (const auto& e : *found) {
    auto record = records::decode<records::peer_record>(e.value);
    if (!record) {
      ports_.log.error("a known peer is not readable", record.error());
      continue;
    }
    seen_->note(record->node, record->seen);
    members_.remember(*record, ports_.session.time.now());
  }
}

wire::hello cluster_actor::hello() const {
  wire::hello h;
  h.node = ports_.session.node_key.did();
  h.boot_epoch = options_.boot_epoch;
  h.name = options_.name;
  h.addresses = options_.addresses;
  h.synced = ports_.journal.synced();
  return h;
}

void cluster_actor::tick() {
  delayed_send(this, tick_interval, cluster_tick{});
  if (stopping_) return;
  for (const auto& d : members_.due(ports_.session.time.now())) dial(d);
  bool joined = members_.joined();
  if (joined != joined_) ports_.on_joined(joined_ = joined);
}

void cluster_actor::greet(std::unique_ptr<net::byte_stream> socket, bool dialed,
                          const std::string& address, std::optional<did> expected,
                          const wire::hello& hello, const session_ports& ports,
                          const caf::actor& cluster) {
  link_session::events events;
  events.open = [cluster, address](const std::shared_ptr<link_session>& s, const peer_info& p) {
    auto info = p;
    if (!address.empty()) info.address = address;
    caf::anon_send(cluster, session_opened{s, std::make_shared<const peer_info>(std::move(info))});
  };
  events.closed = [cluster, address, dialed](const std::shared_ptr<link_session>&,
                                             const error& why) {
    if (dialed) caf::anon_send(cluster, dial_failed{address, why});
  };
  link_session::start(std::move(socket), dialed, std::move(expected), hello, ports,
                      std::move(events));
}

void cluster_actor::dial(const membership::dial& d) {
  auto self = caf::actor_cast<caf::actor>(this);
  auto ports = ports_.session;
  auto& network = ports_.network;
  auto h = hello();
  std::optional<did> expected;
  if (!d.expected.empty()) {
    expected = d.expected;
    h.seen_of_you = seen_->of(d.expected);
  }
  ports.reactor.post([=, &network] {
    network.connect(d.address, dial_timeout, [=](result<std::unique_ptr<net::byte_stream>> socket) {
      if (!socket)
        caf::anon_send(self, dial_failed{d.address, socket.error()});
      else
        greet(std::move(*socket), true, d.address, expected, h, ports, self);
    });
  });
}

void cluster_actor::opened(session_opened& s) {
  const auto& peer = *s.peer;
  if (stopping_) return;
  if (options_.restored)
    ports_.journal.pass(peer.hello.seen_of_you); // save() commits behind it
  else if (peer.hello.seen_of_you > ports_.journal.synced()) {
    stopping_ = true; // said once: the node ends of it
    return ports_.on_fatal(
        {errc::corrupt, "store_rewound",
         "peer " + peer.hello.name + " saw this node at journal position " +
             std::to_string(peer.hello.seen_of_you) + ", but the store ends at " +
             std::to_string(ports_.journal.synced()) +
             ": it was replaced by an older copy; put the copy back once more, and a "
             "file named restored beside the store"});
  }
  members_.up(peer.node, peer.hello.name, peer.hello.addresses,
              peer.dialed ? peer.address : std::string());
  ports_.peers.update(peer.node, [&](peer_status& p) {
    p.name = peer.hello.name;
    p.address = peer.hello.addresses.empty() ? peer.address : peer.hello.addresses.front();
  });
  save(peer);
  auto& given = given_[peer.node];
  std::erase_if(given, [](const auto& g) { return g.expired(); });
  given.push_back(s.session);
  if (auto link = ports_.router.link_of(peer.node).actor) {
    send(link, adopt_session{std::move(s.session)});
    return;
  }
  wait(peer.node, std::move(s.session));
  auto self = caf::actor_cast<caf::actor>(this);
  child_spec spec;
  spec.name = peer.node.text(); // not what it calls itself: others may, too
  spec.kind = peer.hello.name.empty() ? "link" : "link to " + peer.hello.name;
  spec.start = [start = ports_.start_link, node = peer.node, self](caf::actor_system& system) {
    auto link = start(system, node, self);
    caf::anon_send(self, link_started{node});
    return link;
  };
  send(ports_.links, std::move(spec));
}

void cluster_actor::wait(const did& peer, std::shared_ptr<link_session> session) {
  auto& waiting = waiting_[peer];
  auto same = std::find_if(waiting.begin(), waiting.end(),
                           [&](const auto& w) { return w->dialed() == session->dialed(); });
  if (same == waiting.end()) return waiting.push_back(std::move(session));
  (*same)->close(wire::parting::replaced, "there is another connection");
  *same = std::move(session);
}

void cluster_actor::started(const did& peer) {
  if (auto waiting = waiting_.find(peer); waiting != waiting_.end()) {
    if (auto link = ports_.router.link_of(peer).actor)
      for (auto& session : waiting->second) send(link, adopt_session{std::move(session)});
    waiting_.erase(waiting);
    return;
  }
  // A restart: what the earlier life had of its sessions is gone, so all begins afresh.
  for (auto& g : std::exchange(given_[peer], {}))
    if (auto orphan = g.lock()) orphan->close(wire::parting::other, "the link was restarted");
  ports_.peers.update(peer, [](peer_status& p) { p.state = "down"; });
  members_.down(peer, ports_.session.time.now());
}

void cluster_actor::failed(const dial_failed& f) {
  if (f.why.code == "own_address") return members_.settled(f.address);  // a seed list may name us
  static constexpr std::string_view other_secret = "bad_cluster_proof"; // found here, or there
  bool refused = f.why.code == "peer_refused" && f.why.context == other_secret;
  if ((f.why.code == other_secret || refused) && !joined_)
    return ports_.on_fatal({errc::unauthenticated, "wrong_cluster_secret",
                            "the node at " + f.address +
                                " refused this node's cluster secret; use the secret file " +
                                "of that cluster"});
  ports_.log.debug("dial failed", {{"address", f.address}, {"why", f.why.what()}});
  members_.failed(f.address, ports_.session.time.now(), ports_.session.random);
}

void cluster_actor::changed(const link_changed& c) {
  if (ports_.on_link) ports_.on_link(c.peer, c.up);
  if (!c.up) {
    members_.down(c.peer, ports_.session.time.now());
    return;
  }
  wire::members::entry self;
  self.node = ports_.session.node_key.did();
  self.name = options_.name;
  self.addresses = options_.addresses;
  self.boot_epoch = options_.boot_epoch;
  auto listing = members_.listing(self);
  if (auto link = ports_.router.link_of(c.peer).actor) send(link, link_say{{listing}});
  // The others learn of the newcomer at once, not when they next connect.
  for (const auto& [node, status] : ports_.peers.all())
    if (node != c.peer && status.state == "up")
      if (auto link = ports_.router.link_of(node).actor) send(link, link_say{{listing}});
}

void cluster_actor::save(const peer_info& peer) {
  records::peer_record r;
  r.node = peer.node;
  r.addresses = peer.hello.addresses;
  r.seen = std::max(seen_->of(peer.node), peer.hello.synced);
  r.boot_epoch = peer.hello.boot_epoch;
  seen_->note(peer.node, r.seen);
  store::write_batch batch;
  batch.put(store::table::state, keys::peer(keys::of(peer.node)), records::encode(r));
  auto submitted = ports_.journal.submit(std::move(batch), [](const result<journal_position>&) {});
  if (!submitted) ports_.log.error("peer not remembered", submitted.error());
}

} // namespace kith
