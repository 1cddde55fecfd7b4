#include "actors/simulation/cluster_impl.hpp"

#include <kith/json.hpp>

namespace kith::simulation {

namespace {

constexpr std::string_view secret = "the secret of a simulated cluster";
constexpr std::uint16_t link_port = 4001;

std::string address_of(const std::string& host) { return host + ":" + std::to_string(link_port); }

} // namespace

cluster::impl::impl(cluster_options o)
    : options(std::move(o)), chance(options.seed * 0x9e3779b97f4a7c15 + 1),
      net(time, options.seed, options.way) {
  config.set("scheduler.policy", caf::atom("testing"));
  system.emplace(config);
  for (std::size_t i = 0; i < options.nodes; ++i) {
    seeded_random keys(options.seed ^ (0xabcd'0000 + i));
    members.push_back(std::make_unique<member>("n" + std::to_string(i + 1),
                                               secret_key::generate(keys), time,
                                               options.seed * 1'000'003 + i));
    members.back()->sync_max = options.sync_max;
  }
}

cluster::impl::~impl() {
  for (auto& m : members) crash(*m);
  settle();
}

config::settings cluster::impl::settings_of(const member& m) const {
  config::settings s;
  const auto& seed = m.host == "n1" && members.size() > 1 ? members[1]->host : members[0]->host;
  std::vector<config::named_text> flags{{"node.name", m.host},
                                        {"link.listen", address_of(m.host)},
                                        {"cluster.seeds", address_of(seed)},
                                        {"log.level", "debug"}};
  for (const auto& [key, value] : options.settings) flags.push_back({key, value});
  if (auto good = s.apply_flags(flags); !good) throw std::invalid_argument(good.error().what());
  return s;
}

void cluster::impl::start(member& m) {
  if (m.core) return;
  node_options o;
  o.settings = settings_of(m);
  o.on_fatal = [&m](const error& why) {
    m.failed = true;
    m.put_back = m.put_back || why.code == "store_rewound"; // the operator does as it says
  };
  m.core = std::make_unique<node_core>(
      std::move(o),
      node_ground{m.time, m.random, net.reactor_of(m.host), net.network_of(m.host), false});
  auto& core = *m.core;
  observe::log_options to;
  to.time = &m.time;
  to.threshold = options.on_log ? observe::level::debug : observe::level::off;
  to.sink = [this, &m](std::string_view line) {
    if (options.on_log) options.on_log(m.host, line);
  };
  core.logs = observe::log_hub::open(to).value();
  core.log = core.logs->get("node");
  core.keys = keystore::in_memory(m.key.clone());
  core.cluster_secret = crypto::secret_buffer(as_bytes(secret));
  core.delegations.emplace(m.key.did());
  core.disk = store::memory_backend::open(m.disk).value();
  core.free_bytes = [&m]() -> result<std::uint64_t> { return m.full ? 0 : std::uint64_t(1) << 40; };
  core.unclean = !std::exchange(m.was_clean, false);
  core.on_stale_write = [this](const stale_write& w) { stale_writes.insert(w.text()); };
  if (std::exchange(m.put_back, false))
    if (auto restored = core.restore_store(); !restored)
      throw std::runtime_error(m.host + ": " + restored.error().what());
  store::journal_options unthreaded{false};
  unthreaded.series = &core.meters.journal;
  unthreaded.quick = [this, &m] { return syncs_at_once(m); };
  core.journal = std::make_unique<store::journal>(*core.disk, m.time, unthreaded,
                                                  [&core](const error& why) { core.die(why); });
  m.stopping = m.failed = false;
  // Its own record is the one thing that a node waits for before anything else.
  auto entered = core.enter_store([](const result<journal_position>&) {});
  while (core.journal->pump()) {
  }
  auto listening = entered ? core.listen() : entered;
  if (!listening) throw std::runtime_error(m.host + ": " + listening.error().what());
  core.start_tree(*system);
  m.root_ended = std::make_shared<bool>(false);
  core.root->attach_functor([ended = m.root_ended](const caf::error&) { *ended = true; });
  note(1);
}

void cluster::impl::put_back(member& m, std::shared_ptr<store::memory_disk> backup) {
  crash(m);
  m.disk = std::move(backup);
  m.put_back = true;
  m.was_clean = false;
  ++m.restores;
}

// Nothing of it is heard any more: what its actors still do before they are killed reaches neither
// the disk nor the network.
void cluster::impl::crash(member& m) {
  if (!m.core) return;
  m.core->ending = true;
  m.core->journal->abandon();
  m.disk->crash();
  net.crash(m.host);
  caf::anon_send_exit(m.core->root, caf::exit_reason::kill);
  bury(m);
}

void cluster::impl::stop(member& m) {
  if (!m.core || std::exchange(m.stopping, true)) return;
  {
    std::lock_guard lock(m.core->mutex);
    m.core->draining = true;
  }
  m.core->ending = true;
  caf::anon_send(m.core->root, stop_child{true});
}

void cluster::impl::bury(member& m) {
  m.core->ending = true;
  m.core->listener.reset();
  m.core->router.clear();
  m.core->root = m.core->links = m.core->agents = m.core->cluster = nullptr;
  m.core->supervisors.clear();
  graves.push_back(std::move(m.core));
  m.stopping = m.failed = false;
  note(2);
}

cluster::cluster(cluster_options options) : impl_(std::make_unique<impl>(std::move(options))) {
  for (auto& m : impl_->members) impl_->start(*m);
}
cluster::~cluster() = default;

std::size_t cluster::size() const { return impl_->members.size(); }
std::string cluster::name(std::size_t node) const { return impl_->members.at(node)->host; }
const did& cluster::id(std::size_t node) const { return impl_->members.at(node)->key.did(); }
bool cluster::up(std::size_t node) const {
  const auto& m = *impl_->members.at(node);
  return m.core && !m.stopping;
}
void cluster::crash(std::size_t node) { impl_->crash(*impl_->members.at(node)); }
void cluster::stop(std::size_t node) { impl_->stop(*impl_->members.at(node)); }
void cluster::start(std::size_t node) { impl_->start(*impl_->members.at(node)); }

bool cluster::send(std::size_t node, ingress what) {
  auto& m = *impl_->members.at(node);
  if (!m.core || m.stopping) return false;
  auto to = m.core->router.find(id(node));
  if (!to.mailbox) return false;
  if (m.full) { // as the control socket and the edge do
    if (what.accepted)
      what.accepted({what.id, false, {errc::overloaded, "disk_reserve", "the disk is full"}});
    return true;
  }
  caf::anon_send(to.mailbox, std::move(what));
  return true;
}

result<did> cluster::spawn(std::size_t node, const std::string& type, const std::string& name,
                           const std::string& under) {
  auto said = std::make_shared<std::optional<result<did>>>(); // shared with late answers
  auto order = json::object();
  order.set("type", type), order.set("name", name);
  if (!under.empty()) order.set("under", under);
  auto begin = now();
  run_until([&] { return up(node) && impl_->members[node]->core->router.find(id(node)).mailbox; },
            std::chrono::minutes(1));
  ingress in{id(node), "kith.spawn", std::string(json_type), order.dump()};
  in.wants_answer = true;
  in.accepted = [said](const ingress::outcome& o) {
    if (!o.problem.code.empty()) *said = fail(o.problem);
  };
  in.answered = [said](const ingress::answer& a) {
    if (a.status == answer_status::ok && !a.timed_out)
      *said =
          did::parse(a.content_type == json_type ? json::parse(a.payload)->as_string() : a.payload);
    else
      *said = fail(errc::invalid, "not_spawned", a.payload);
  };
  if (!send(node, std::move(in)))
    return fail(errc::unavailable, "node_down", this->name(node) + " is down");
  run_until([&] { return said->has_value(); }, std::chrono::minutes(1) - (now() - begin));
  if (!*said) return fail(errc::timeout, "not_spawned", "no answer within a minute");
  return **said;
}

std::size_t cluster::restores(std::size_t node) const { return impl_->members.at(node)->restores; }
const std::set<std::string>& cluster::stale_writes() const { return impl_->stale_writes; }

time_point cluster::now() const { return impl_->time.now(); }

void cluster::run_for(duration span) {
  run_until([] { return false; }, span);
}

bool cluster::run_until(const std::function<bool()>& done, duration span) {
  auto& in = *impl_;
  for (const auto end = in.time.now() + span;;) {
    if (done()) return true;
    if (in.turn()) continue;
    auto next = in.next_instant();
    if (!next || *next > end) {
      in.pass(end);
      return done();
    }
    in.pass(*next);
  }
}

void cluster::inject(const fault& f) { impl_->begin(f); }

fault_counts cluster::injected() const {
  auto counts = impl_->injected;
  counts[std::size_t(fault_kind::corruption)] = impl_->net.corrupted_count();
  return counts;
}
std::uint64_t cluster::trace() const { return impl_->trace ^ impl_->net.trace(); }
std::uint64_t cluster::event_count() const { return impl_->events + impl_->net.event_count(); }

std::uint64_t cluster::sleeps() const {
  std::uint64_t sum = 0;
  for (const auto& m : impl_->members) sum += m->core ? m->core->sleeps.load() : 0;
  for (const auto& core : impl_->graves) sum += core->sleeps;
  return sum;
}

store::backend* cluster::disk(std::size_t node) {
  auto& m = *impl_->members.at(node);
  return m.core ? m.core->disk.get() : nullptr;
}

std::optional<bytes> cluster::cell(const did& agent, std::string_view name) {
  for (auto& m : impl_->members) {
    if (!m->core) continue;
    auto found = m->core->disk->get(store::table::state, keys::cell(keys::of(agent), name)).value();
    if (found) return to_bytes(*found);
  }
  return std::nullopt;
}

} // namespace kith::simulation
