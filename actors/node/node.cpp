#include "actors/node/node.hpp"

#include "actors/agent/registry.hpp"
#include "actors/node/control_server.hpp"
#include "actors/node/core.hpp"
#include "actors/node/store_work.hpp"
#include "runtime/identity/key_file.hpp"
#include "runtime/net/asio_network.hpp"
#include "runtime/store/rocks_backend.hpp"

namespace kith {

namespace {

// The machine. Its reactor stops before the node on it ends.
struct machine {
  kith::system_clock clocks;
  system_random chance;
  net::asio_reactor loop;
  net::asio_network sockets{loop};
};

} // namespace

struct node::impl : machine, node_core {
  explicit impl(node_options o) : node_core(std::move(o), {clocks, chance, loop, sockets}) {}
  ~impl();
  result<void> open();
  result<void> open_files();
  result<void> open_store();
  result<void> open_network();
  void start_actors();
  void stop_actors(duration deadline);
  void tear_down(bool in_order);
  bool actors_ended(duration patience);
  void begin_stop();

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  store::rocks_backend* rocks = nullptr; // the disk
  std::thread stopper;                   // runs the ordered stop
  bool reactor_started = false;
  bool torn_down = false;
};

result<void> node::impl::open_files() {
  const auto& s = options.settings;
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
  KITH_ASSIGN(auto opened, store::rocks_backend::open(dir, std::move(o)));
  unclean = !opened->was_clean();
  // Not before: the store's lock keeps another process of this node from it.
  KITH_ASSIGN(audit, audit::audit_log::open(options.dir, time));
  rocks = opened.get();
  disk = std::move(opened);
  free_bytes = [this] { return rocks->free_bytes(); };
  meters.disk = [this] { return rocks->stats(); };
  meters.resident_bytes = resident_bytes_of_process;
  work = std::make_unique<store_work>(*rocks, time, random);
  const auto put_back = options.dir / backup::restored_mark;
  if (std::filesystem::exists(put_back, ec)) {
    KITH_TRY(restore_store());
    std::filesystem::remove(put_back, ec);
    if (ec) return fail(errc::io, "mark_stays", put_back.string() + ": " + ec.message());
  }
  store::journal_options to;
  to.series = &meters.journal;
  journal =
      std::make_unique<store::journal>(*disk, time, to, [this](const error& why) { die(why); });

  std::promise<result<journal_position>> done;
  KITH_TRY(enter_store([&](const auto& r) { done.set_value(r); }));
  KITH_TRY(done.get_future().get());
  return {};
}

result<void> node::impl::open_network() {
  loop.start();
  reactor_started = true;
  result<void> opened;
  loop.call([&] { opened = listen(); });
  return opened;
}

void node::impl::start_actors() {
  // CAF's own default is four at least: on fewer cores they only take turns.
  auto threads = std::size_t(options.settings.integer("actors.threads"));
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  config.set("scheduler.max-threads", threads);
  config.set("scheduler.policy", caf::atom("sharing"));
  system = std::make_unique<caf::actor_system>(config);
  start_tree(*system);
  let_go_of_actor_system();
}

result<void> node::impl::open() {
  KITH_TRY(agent_types::check());
  KITH_TRY(open_files());
  KITH_TRY(open_store());
  KITH_TRY(open_network());
  start_actors();
  KITH_TRY(open_edge(*this)); // before the control socket, which says that the node is up
  control = std::make_unique<control_server>(static_cast<node_parts&>(*this));
  result<void> listening;
  loop.call([&] { listening = control->listen(options.dir / "control.sock"); });
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
  if (work) work->stop(); // it reads the store
  if (in_order) drain_edge(*this, std::min(deadline, stop_grace));
  if (system) stop_actors(deadline);
  // Threads that sent to actors hold on to parts of the actor system: they end before it does. What
  // was submitted is durable then.
  if (journal) journal->close();
  if (audit) audit->close(); // what was done until now is in it, and its answers are on their way
  if (in_order && system && !actors_ended(stop_grace)) {
    torn_down = false; // the destructor waits for it, if the process does not end before
    return die({errc::timeout, "still_busy",
                "an agent did not end its turn within the time that a stop may take; the process "
                "ends without it, and the turn will be run again"});
  }
  close_edge(*this);
  if (reactor_started) {
    loop.call([this] {
      if (control) control->close();
      listener.reset();
    });
    loop.stop();
  }
  control.reset();
  router.clear();
  system.reset();
  journal.reset();
  work.reset();
  if (disk && in_order) {
    bool failed;
    {
      std::lock_guard lock(mutex);
      failed = fatal;
    }
    if (!failed)
      if (auto closed = rocks->close(); !closed)
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
  auto inner = std::make_unique<impl>(std::move(options));
  KITH_TRY(inner->open());
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
