#include "actors/node/node.hpp"

#include "actors/agent/registry.hpp"
#include "actors/node/control_server.hpp"
#include "runtime/identity/key_file.hpp"

namespace kith {

namespace {

// How long parts other than agents may take to stop.
constexpr duration stop_grace = std::chrono::seconds(2);

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

struct node::impl : node_parts {
  ~impl();
  result<void> open(node_options o);
  result<void> open_files();
  result<void> open_store();
  result<void> open_network();
  caf::actor start_link(caf::actor_system& on, const did& peer, caf::actor to_tell);
  void start_actors();
  void stop_actors(duration deadline);
  void tear_down(bool in_order);
  bool actors_ended(duration patience);
  void begin_stop();
  std::size_t queue_max() const {
    return std::size_t(options.settings.integer("link.queue_bytes_max"));
  }

  child_spec child(std::string child_name,
                   std::function<caf::actor(caf::actor_system&)> start) const;
  caf::actor start_supervisor(caf::actor_system& s, const std::string& path, duration deadline,
                              bool together);

  std::thread stopper; // runs the ordered stop
  bool reactor_started = false;
  bool torn_down = false;
};

void node_parts::die(const error& why) {
  {
    std::lock_guard lock(mutex);
    if (std::exchange(fatal, true)) return;
  }
  log.error("the node cannot go on", why);
  if (options.on_fatal) options.on_fatal(why);
}

result<void> node::impl::open_files() {
  const auto& s = options.settings;
  name = s.text("node.name");
  observe::log_options o;
  o.format = s.text("log.format") == "json" ? observe::log_format::json : observe::log_format::text;
  KITH_ASSIGN(o.threshold, observe::parse_level(s.text("log.level")));
  o.file = s.text("log.file");
  KITH_ASSIGN(logs, observe::log_hub::open(o));
  log = logs->get("node");
  std::error_code ec;
  if (!std::filesystem::is_directory(options.dir, ec))
    return fail(errc::not_found, "state_dir_missing",
                "there is no directory " + options.dir.string() + "; make one with kith init");
  auto passphrase = std::exchange(options.passphrase, std::nullopt);
  if (auto file = s.text("keys.passphrase_file"); !passphrase && !file.empty()) {
    KITH_ASSIGN(passphrase, read_secret_file(file));
  }
  KITH_ASSIGN(keys, keystore::open_or_create(options.dir / "keys", random,
                                             passphrase ? &*passphrase : nullptr));
  auto secret_file = s.text("cluster.secret_file");
  std::filesystem::path path =
      secret_file.empty() ? options.dir / "cluster.secret" : std::filesystem::path(secret_file);
  KITH_ASSIGN(cluster_secret, read_secret_file(path));
  delegations.emplace(keys->node_key().did());
  return {};
}

result<void> node::impl::open_store() {
  auto dir = options.dir / "store";
  std::error_code ec;
  std::filesystem::create_directory(dir, ec);
  store::rocks_options o;
  o.block_cache_bytes = std::size_t(options.settings.integer("store.cache_mb")) << 20;
  if (options.settings.boolean("test.lose_unsynced"))
    o.faults = std::make_shared<store::fault_disk>();
  KITH_ASSIGN(disk, store::rocks_backend::open(dir, std::move(o)));
  unclean = !disk->was_clean();
  journal = std::make_unique<store::journal>(*disk, time, store::journal_options{},
                                             [this](const error& why) { die(why); });

  KITH_ASSIGN(auto stored, disk->get(store::table::state, keys::node()));
  if (stored) {
    KITH_ASSIGN(auto r, records::decode<records::node_record>(*stored));
    if (r.node != self())
      return fail(errc::conflict, "foreign_store",
                  "the store in " + dir.string() + " belongs to " + r.node.text() +
                      ", but the key here is " + self().text() +
                      "'s; keys/ and store/ of a node belong together");
    boot_epoch = r.boot_epoch;
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
  std::promise<result<journal_position>> done;
  KITH_ASSIGN(auto position,
              journal->submit(std::move(batch), [&](const auto& r2) { done.set_value(r2); }));
  (void)position;
  KITH_TRY(done.get_future().get());
  return {};
}

result<void> node::impl::open_network() {
  reactor.start();
  reactor_started = true;
  network.emplace(reactor);
  auto wanted = options.settings.text("link.listen");
  result<void> opened;
  reactor.call([&] {
    auto l = network->listen(wanted, [this](std::unique_ptr<net::byte_stream> socket) {
      wire::hello h;
      h.node = self();
      h.boot_epoch = boot_epoch;
      h.name = name;
      h.addresses = {link_address};
      h.synced = journal->synced();
      session_ports ports{
          reactor,    time, random, router, keys->node_key(), cluster_secret, log.component("link"),
          queue_max()};
      std::lock_guard lock(mutex);
      if (cluster && !draining)
        cluster_actor::greet(std::move(socket), false, {}, std::nullopt, h, ports, cluster);
    });
    if (!l) {
      opened = fail(l.error());
      return;
    }
    listener = std::move(*l);
  });
  KITH_TRY(opened);
  auto told = options.settings.text("link.advertise");
  link_address = told.empty() ? listener->local_address() : told;
  return {};
}

child_spec node::impl::child(std::string child_name,
                             std::function<caf::actor(caf::actor_system&)> start) const {
  child_spec spec;
  spec.name = std::move(child_name);
  spec.kind = "supervisor";
  spec.start = std::move(start);
  return spec;
}

caf::actor node::impl::start_supervisor(caf::actor_system& s, const std::string& path,
                                        duration deadline, bool together) {
  supervisor_options o;
  o.path = path;
  o.limits = default_restart_limits(options.settings);
  o.stop_deadline = deadline;
  o.stop_together = together;
  return s.spawn<supervisor>(o, supervisor_ports{time, random, tree, log.component("supervisor")});
}

caf::actor node::impl::start_link(caf::actor_system& on, const did& peer, caf::actor to_tell) {
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

void node::impl::start_actors() {
  auto threads = options.settings.integer("actors.threads");
  if (threads > 0) config.set("scheduler.max-threads", std::size_t(threads));
  config.set("scheduler.policy", caf::atom("sharing"));
  system = std::make_unique<caf::actor_system>(config);
  tree.set(name, {"node", "running", 0, {}});
  tree.set(name + "/store", {"store", "running", 0, {}});
  auto deadline = options.settings.milliseconds("shutdown.deadline_ms");
  root = start_supervisor(*system, name, deadline + stop_grace, false);

  auto links_spec = child("links", [this](caf::actor_system& s) {
    auto a = start_supervisor(s, name + "/links", stop_grace, true);
    std::lock_guard lock(mutex);
    return links = a;
  });
  auto cluster_spec = child("cluster", [this](caf::actor_system& s) {
    session_ports session{
        reactor,    time, random, router, keys->node_key(), cluster_secret, log.component("link"),
        queue_max()};
    std::unique_lock lock(mutex);
    cluster_ports ports{session,
                        *network,
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
    cluster_options o{name, {link_address}, options.settings.list("cluster.seeds"), boot_epoch};
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
  let_go_of_actor_system();
}

result<void> node::impl::open(node_options o) {
  options = std::move(o);
  KITH_TRY(agent_types::check());
  started = time.wall();
  limits = mailbox_limits_of(options.settings);
  KITH_TRY(open_files());
  KITH_TRY(open_store());
  KITH_TRY(open_network());
  start_actors();
  KITH_TRY(open_edge(*this)); // before the control socket, which says that the node is up
  control = std::make_unique<control_server>(static_cast<node_parts&>(*this));
  result<void> listening;
  reactor.call([&] { listening = control->listen(options.dir / "control.sock"); });
  KITH_TRY(listening);
  control->on_stop([this] { begin_stop(); });
  reactor.post([this] { watch_handlers(*this); });
  log.info("node up",
           {{"node", self().text()}, {"name", name}, {"link", link_address}, {"unclean", unclean}});
  return {};
}

// Agents first, then what connects them; each branch in the order that the root supervisor gives.
void node::impl::stop_actors(duration deadline) {
  if (!root) return;
  caf::scoped_actor self_actor(*system);
  self_actor->monitor(root);
  caf::anon_send(root, stop_child{deadline > duration(0)});
  bool down = false;
  self_actor->receive([&](const caf::down_msg&) { down = true; },
                      caf::after(deadline + 3 * stop_grace) >> [] {});
  if (!down) {
    log.warn("the supervision tree did not stop in time and is killed");
    caf::anon_send_exit(root, caf::exit_reason::kill);
  }
  std::lock_guard lock(mutex);
  root = links = agents = cluster = nullptr;
  supervisors.clear();
}

// False: some actor is still in a turn, and the actor system's end would wait for it.
bool node::impl::actors_ended(duration patience) {
  constexpr auto look_interval = std::chrono::milliseconds(5);
  auto deadline = time.now() + patience;
  std::unique_lock lock(mutex);
  while (system->registry().running() > 0) {
    if (time.now() >= deadline) return false;
    changed.wait_for(lock, look_interval);
  }
  return true;
}

void node::impl::begin_stop() {
  std::lock_guard lock(mutex);
  if (std::exchange(draining, true)) return;
  stopper = std::thread([this] {
    tear_down(true);
    std::lock_guard inner(mutex);
    stopped = true;
    changed.notify_all();
  });
}

void node::impl::tear_down(bool in_order) {
  if (std::exchange(torn_down, true)) return;
  ending = true;
  auto deadline = in_order ? options.settings.milliseconds("shutdown.deadline_ms") : duration(0);
  if (in_order) drain_edge(*this, std::min(deadline, stop_grace));
  if (system) stop_actors(deadline);
  // Threads that sent to actors hold on to parts of the actor system: they end before it does. What
  // was submitted is durable then.
  if (journal) journal->close();
  if (in_order && system && !actors_ended(stop_grace)) {
    torn_down = false; // the destructor waits for it, if the process does not end before
    return die({errc::timeout, "still_busy",
                "an agent did not end its turn within the time that a stop may take; the process "
                "ends without it, and the turn will be run again"});
  }
  close_edge(*this);
  if (reactor_started) {
    reactor.call([this] {
      if (control) control->close();
      listener.reset();
    });
    reactor.stop();
  }
  control.reset();
  router.clear();
  system.reset();
  network.reset();
  journal.reset();
  if (disk && in_order) {
    bool failed;
    {
      std::lock_guard lock(mutex);
      failed = fatal;
    }
    if (!failed)
      if (auto closed = disk->close(); !closed)
        log.error("store not closed in order", closed.error());
  }
  disk.reset();
  log.info("node stopped");
}

node::impl::~impl() {
  if (stopper.joinable()) stopper.join();
  tear_down(false);
}

node::node(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
node::~node() = default;

result<std::unique_ptr<node>> node::start(node_options options) {
  auto inner = std::make_unique<impl>();
  KITH_TRY(inner->open(std::move(options)));
  return std::unique_ptr<node>(new node(std::move(inner)));
}

const did& node::id() const { return impl_->self(); }
std::string node::name() const { return impl_->name; }
std::string node::link_address() const { return impl_->link_address; }
void node::begin_stop() { impl_->begin_stop(); }

bool node::wait_stopped(duration patience) {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, patience, [this] { return impl_->stopped; });
}

} // namespace kith
