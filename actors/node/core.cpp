#include "actors/node/core.hpp"

#include "actors/agent/registry.hpp"
#include "actors/node/control_server.hpp"
#include "actors/node/edge_host.hpp"
#include "actors/node/store_work.hpp"

namespace kith {

namespace {

mailbox_limits mailbox_limits_of(const config::settings& s) {
  mailbox_limits l;
  l.count_max = std::size_t(s.integer("mailbox.count_max"));
  l.bytes_max = std::size_t(s.integer("mailbox.bytes_max"));
  l.stream_count_max = std::size_t(s.integer("mailbox.stream_count_max"));
  l.stream_bytes_max = std::size_t(s.integer("mailbox.stream_bytes_max"));
  l.streams_max = std::size_t(s.integer("mailbox.streams_max"));
  l.outbox_count_max = std::size_t(s.integer("outbox.count_max"));
  l.outbox_bytes_max = std::size_t(s.integer("outbox.bytes_max"));
  l.attempts_max = std::uint32_t(s.integer("turn.attempts_max"));
  l.retry_delay = s.milliseconds("turn.retry_delay_ms");
  l.retry_delay_max = s.milliseconds("turn.retry_delay_ms_max");
  return l;
}

} // namespace

node_parts::node_parts(node_options o, const node_ground& on)
    : options(std::move(o)), time(on.time), random(on.random), reactor(on.reactor),
      network(on.network), threads(on.threads),
      alarms(on.reactor, on.time, [this](const did& who) { router.at(who, [](const route&) {}); }) {
}
node_parts::~node_parts() = default;

std::string stale_write::text() const {
  return agent.text() + " (" + type + "): the handler of " + handler + " set durable \"" + cell +
         "\" from what it read before an await, and another turn had changed it since";
}

void node_parts::die(const error& why) {
  {
    std::lock_guard lock(mutex);
    if (std::exchange(fatal, true)) return;
  }
  log.error("the node cannot go on", why);
  if (options.on_fatal) options.on_fatal(why);
}

node_core::node_core(node_options o, const node_ground& on) : node_parts(std::move(o), on) {
  name = options.settings.text("node.name");
  started = time.wall();
  limits = mailbox_limits_of(options.settings);
}

node_core::~node_core() = default;

result<void> node_core::restore_store() {
  // More than were submitted in any life that was forgotten, and exact as a double in JSON.
  static constexpr journal_position position_step = journal_position(1) << 40;
  static constexpr store::scan_limits portion{1000, 4 << 20};
  KITH_ASSIGN(auto stored, disk->get(store::table::state, keys::node()));
  if (!stored) return {};
  KITH_ASSIGN(auto r, records::decode<records::node_record>(*stored));
  auto position = disk->recovered();
  auto from = keys::agents_begin();
  for (const auto end = keys::end_of(from);;) {
    KITH_ASSIGN(auto found, disk->scan(store::table::state, from, end, portion));
    if (found.empty()) break;
    store::write_batch batch;
    for (const auto& e : found) {
      KITH_ASSIGN(auto agent, records::decode<records::agent_record>(e.value));
      agent.incarnation = make_incarnation(random);
      batch.put(store::table::state, e.key, records::encode(agent));
    }
    KITH_TRY(disk->commit({&batch, 1}, ++position));
    from = found.back().key;
    from.push_back(0);
  }
  ++r.boot_epoch;
  store::write_batch batch;
  batch.put(store::table::state, keys::node(), records::encode(r));
  position += position_step;
  KITH_TRY(disk->commit({&batch, 1}, position));
  KITH_TRY(disk->bear_witness(position));
  restored = true;
  log.warn("restored from a backup", {{"boot_epoch", r.boot_epoch}, {"position", position}});
  return {};
}

result<void> node_core::enter_store(std::function<void(const result<journal_position>&)> done) {
  KITH_ASSIGN(auto stored, disk->get(store::table::state, keys::node()));
  if (stored) {
    KITH_ASSIGN(auto r, records::decode<records::node_record>(*stored));
    if (r.node != self())
      return fail(errc::conflict, "foreign_store",
                  "the store of this node belongs to " + r.node.text() + ", but the key here is " +
                      self().text() + "'s; keys/ and store/ of a node belong together");
    boot_epoch = r.boot_epoch;
    done(journal->synced());
    return {};
  }
  store::write_batch batch;
  records::node_record fresh;
  fresh.node = self();
  fresh.created = time.wall();
  batch.put(store::table::state, keys::node(), records::encode(fresh));
  records::agent_record r;
  r.agent = r.home = self();
  r.type = "kith.node";
  r.incarnation = make_incarnation(random);
  r.created = fresh.created;
  r.sealed_key = keys->seal_agent_key(keys->node_key(), random);
  batch.put(store::table::state, keys::agent(keys::of(self())), records::encode(r));
  batch.raise_epoch(self(), 1);
  KITH_TRY(journal->submit(std::move(batch), std::move(done)));
  return {};
}

session_ports node_core::session() {
  return {reactor,
          time,
          random,
          router,
          keys->node_key(),
          cluster_secret,
          log.component("link"),
          std::size_t(options.settings.integer("link.queue_bytes_max")),
          [s = seen](const did& p) { return s->of(p); }};
}

result<void> node_core::listen() {
  KITH_ASSIGN(listener, network.listen(options.settings.text("link.listen"),
                                       [this](std::unique_ptr<net::byte_stream> socket) {
                                         greet(std::move(socket));
                                       }));
  auto told = options.settings.text("link.advertise");
  link_address = told.empty() ? listener->local_address() : told;
  return {};
}

void node_core::greet(std::unique_ptr<net::byte_stream> socket) {
  wire::hello h;
  h.node = self();
  h.boot_epoch = boot_epoch;
  h.name = name;
  h.addresses = {link_address};
  h.synced = journal->synced();
  auto ports = session();
  std::lock_guard lock(mutex);
  if (cluster && !draining)
    cluster_actor::greet(std::move(socket), false, {}, std::nullopt, h, ports, cluster);
}

child_spec node_core::child(std::string child_name,
                            std::function<caf::actor(caf::actor_system&)> start) const {
  child_spec spec;
  spec.name = std::move(child_name);
  spec.kind = "supervisor";
  spec.start = std::move(start);
  return spec;
}

caf::actor node_core::start_supervisor(caf::actor_system& s, const std::string& path,
                                       duration deadline, bool together) {
  supervisor_options o;
  o.path = path;
  o.limits = default_restart_limits(options.settings);
  o.stop_deadline = deadline;
  o.stop_together = together;
  return s.spawn<supervisor>(
      o, supervisor_ports{time, random, tree, log.component("supervisor"), &meters.all});
}

caf::actor node_core::start_link(caf::actor_system& on, const did& peer, caf::actor to_tell) {
  link_ports ports{self(),
                   time,
                   *disk,
                   *journal,
                   router,
                   directory,
                   *delegations,
                   peers,
                   log.component("link"),
                   [s = seen](const did& p, journal_position at) { s->note(p, at); }};
  auto gate = std::make_shared<actor_gate>(); // shared by the link and those whom the router tells
  auto link = on.spawn<link_actor>(peer, std::move(to_tell), std::move(ports), gate);
  router.set_link(peer, link, std::move(gate));
  return link;
}

void node_core::start_tree(caf::actor_system& system) {
  spawner = &system;
  directory.keep_sleepers_in(archive_of(*this));
  router.wake_with([this](const did& agent) { return rouse(*this, agent); });
  tree.set(name, {"node", "running", 0, {}});
  tree.set(name + "/store", {"store", "running", 0, {}});
  auto deadline = options.settings.milliseconds("shutdown.deadline_ms");
  root = start_supervisor(system, name, deadline + stop_grace, false);

  auto links_spec = child("links", [this](caf::actor_system& s) {
    auto a = start_supervisor(s, name + "/links", stop_grace, true);
    std::lock_guard lock(mutex);
    return links = a;
  });
  auto cluster_spec = child("cluster", [this](caf::actor_system& s) {
    std::unique_lock lock(mutex);
    cluster_ports ports{session(),
                        network,
                        *journal,
                        *disk,
                        router,
                        peers,
                        log.component("cluster"),
                        links,
                        [this](caf::actor_system& on, const did& peer, caf::actor to_tell) {
                          return start_link(on, peer, std::move(to_tell));
                        },
                        [this](bool now_joined) {
                          std::lock_guard inner(mutex);
                          joined = now_joined;
                        },
                        [this](const error& why) { die(why); },
                        [this](const did& peer, bool up) { link_changed_to(*this, peer, up); }};
    lock.unlock();
    cluster_options o{
        name, {link_address}, options.settings.list("cluster.seeds"), boot_epoch, restored};
    auto a = s.spawn<cluster_actor>(std::move(o), std::move(ports), seen);
    lock.lock();
    return cluster = a;
  });
  cluster_spec.kind = "membership";
  auto agents_spec = child("agents", [this](caf::actor_system& s) {
    auto known = know_agents(*this);
    if (!known) throw std::runtime_error(known.error().what());
    auto stored = children_of(*this, {});
    if (!stored) throw std::runtime_error(stored.error().what());
    auto a = start_supervisor(s, name + "/agents",
                              options.settings.milliseconds("shutdown.deadline_ms"), true);
    for (auto& spec : *stored) caf::anon_send(a, std::move(spec));
    std::lock_guard lock(mutex);
    return agents = a;
  });
  caf::anon_send(root, std::move(links_spec));
  caf::anon_send(root, std::move(cluster_spec));
  caf::anon_send(root, std::move(agents_spec));
}

} // namespace kith
