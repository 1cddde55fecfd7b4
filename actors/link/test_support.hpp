// For tests only: nodes without agents in one thread. Real links and sessions over the simulated
// network, under CAF's deterministic scheduler and one clock for all of it; in place of mailboxes,
// actors that take what continues a stream and say how far they are, as far as a test lets them.
#pragma once

#include "actors/link/link_actor.hpp"
#include "actors/mailbox/keys.hpp"
#include "runtime/net/simulated.hpp"
#include "runtime/store/memory_backend.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <catch2/catch.hpp>

#include <set>

namespace kith::testing {

using namespace std::chrono_literals;

// An agent of a test_node and what its mailbox was told.
struct test_agent {
  did id;
  std::shared_ptr<actor_gate> gate = std::make_shared<actor_gate>(); // shared with the router
  caf::actor box;
  bool mute = false;        // keeps its acks to itself
  bool quarantine = false;  // takes nothing more
  sequence credit = 10'000; // beyond what it took
  std::unordered_map<stream_id, stream_head> heads;
  std::vector<std::string> taken;                          // payloads, in order
  std::vector<std::string> loose;                          // the same of QoS 0
  std::size_t came = 0, repeated = 0, gaps = 0, asked = 0; // envelopes; of `asked` queries
  std::vector<stream_acked> acked;

  stream_position position(const stream_id& s, std::uint64_t session, bool rewind) {
    auto& head = heads[s];
    return {s, session, head, head.next - 1 + credit, 1 << 20, rewind, quarantine};
  }
  void take(arrival& a) {
    gate->leave(a.items.size(), a.size_bytes());
    auto& head = heads[a.stream];
    bool gap = false;
    for (auto& item : a.items) {
      auto& e = item.envelope.get();
      ++came;
      if (e.seq() < head.next) ++repeated;
      gap = e.seq() > head.next;
      if (gap) break;
      if (e.seq() < head.next) continue;
      head = {e.seq() + 1, e.hash()};
      taken.emplace_back(as_text(e.payload()));
    }
    gaps += gap ? 1 : 0;
    if (!mute && a.link) caf::anon_send(a.link, position(a.stream, a.session, gap));
  }
  caf::behavior behavior() {
    return {[this](arrival& a) { take(a); },
            [this](volatile_arrival& a) {
              for (auto& item : a.items) {
                gate->leave(1, item.envelope->size());
                loose.emplace_back(as_text(item.envelope->payload()));
              }
            },
            [this](const position_query& q) {
              ++asked;
              caf::anon_send(q.link, position(q.stream, q.session, true));
            },
            [this](const stream_acked& s) { acked.push_back(s); }, [](const queue_overflow&) {}};
  }
};

// A stream out of an agent, as its mailbox would fill it.
struct test_stream {
  std::shared_ptr<out_stream> shared; // with the link
  stream_head head;
};

class test_world;
struct test_node {
  test_node(test_world& world, std::string host, secret_key key);
  ~test_node() { journal->abandon(); }

  const did& id() const { return key.did(); }
  std::string address() const { return host + ":4001"; }
  session_ports ports();
  wire::hello hello() const;

  // ---- agents and their streams
  test_agent& spawn();
  test_stream open(const test_agent& from, const did& to);
  // Into the outbox, durable, and known to the router; not handed to a link.
  std::vector<envelope> write(test_stream& s, int count, std::size_t size = 16);
  // To the link of the recipient's node, as a mailbox does it once they are durable.
  void hand(test_stream& s, std::vector<envelope> list);
  void post(test_stream& s, int count, std::size_t size = 16) { hand(s, write(s, count, size)); }
  void post_volatile(const test_agent& from, const did& to, int count, std::size_t size = 16);

  // ---- links and connections
  void start_link(const did& peer);
  void listen();
  void dial(const test_node& to, std::optional<did> expected = {});
  link_session::events events();
  // Sessions that are open and have not ended.
  std::vector<std::shared_ptr<link_session>> live() const;
  std::string state_of(const did& peer) const { // empty: never heard of
    auto all = peers.all();
    return all.count(peer) == 0 ? "" : all[peer].state;
  }
  // When lines with that in it were logged.
  std::vector<time_point> logged_at(std::string_view part) const;
  bool logged(std::string_view part) const { return !logged_at(part).empty(); }

  test_world& world;
  std::string host;
  secret_key key;
  crypto::secret_buffer secret{as_bytes("the secret of this cluster")};
  std::size_t data_queue_max = 16 << 20;
  std::shared_ptr<store::memory_disk> disk = std::make_shared<store::memory_disk>();
  std::unique_ptr<store::memory_backend> backend = store::memory_backend::open(disk).value();
  std::unique_ptr<store::journal> journal;
  kith::router router;
  agent_directory directory;
  delegation_book book;
  peer_table peers;
  std::vector<std::pair<time_point, std::string>> lines; // of the log
  observe::logger log;
  std::vector<std::unique_ptr<test_agent>> agents;
  std::unordered_map<did, caf::actor> links;
  std::unordered_map<did, std::shared_ptr<actor_gate>> gates; // shared with links and the router
  std::unique_ptr<net::listener> port;
  std::vector<std::shared_ptr<link_session>> sessions; // all that ever began
  std::vector<std::shared_ptr<link_session>> opened;   // whose handshake was done, in order
  std::vector<peer_info> met;                          // of the same
  std::vector<std::pair<const link_session*, error>> ended;
  bool adopts = true; // a session that opens is given to the peer's link
  // What the cluster's actor was told.
  caf::actor cluster;
  std::vector<link_changed> changes;
  std::vector<members_heard> heard;
  std::map<did, journal_position> seen;
};

class test_world {
public:
  explicit test_world(net::link_traits traits = {}) : net(time, 11, traits) {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
    for (int i = 0; i < 3; ++i) keys_.push_back(secret_key::generate(random));
    std::sort(keys_.begin(), keys_.end(),
              [](const auto& x, const auto& y) { return x.did() < y.did(); });
  }
  ~test_world() {
    asleep.clear();
    for (auto& n : nodes) n->router.clear();
    for (auto& a : actors_) caf::anon_send_exit(a, caf::exit_reason::kill);
    for (auto& n : nodes)
      for (auto& s : n->sessions)
        net.reactor_of(n->host).post([s] { s->close(wire::parting::other, "the test is over"); });
    settle();
    run_for(6s, 100ms); // the sockets' linger
  }

  // Each with a greater DID than those before; named alpha, beta, gamma.
  test_node& node() {
    static constexpr std::array names{"alpha", "beta", "gamma"};
    auto index = nodes.size();
    nodes.push_back(std::make_unique<test_node>(*this, names.at(index), keys_.at(index).clone()));
    return *nodes.back();
  }
  // An actor that the world ends.
  caf::actor own(caf::actor a) {
    actors_.push_back(a);
    return a;
  }
  // An actor of that behavior, which the world ends. CAF binds a reference to nothing for a
  // function that takes no argument but itself; this one takes one.
  caf::actor act(std::function<caf::behavior()> behavior) {
    return own(system->spawn(
        [](caf::event_based_actor*, const std::function<caf::behavior()>& make) { return make(); },
        std::move(behavior)));
  }

  // ---- time
  // Whatever can happen now, does; but actors that are asleep do nothing.
  void settle() {
    for (int rounds = 0; turn(); ++rounds) REQUIRE(rounds < 100'000);
  }
  void run_for(duration span, duration step = 1ms) {
    for (auto end = time.now() + span; time.now() < end; pass(step)) settle();
    settle();
  }
  template <class Done> bool run_until(Done done, duration span) {
    for (auto end = time.now() + span;; pass(1ms)) {
      settle();
      if (done()) return true;
      if (time.now() >= end) return false;
    }
  }
  static caf::resumable* job(const caf::actor& a) {
    return dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(a));
  }

  manual_clock time;
  seeded_random random{5};
  uuid_generator ids;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  std::set<caf::resumable*> asleep; // actors that get no turn
  net::simulated_network net;
  std::vector<std::unique_ptr<test_node>> nodes;

private:
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler());
  }
  bool turn() {
    auto before = net.event_count();
    bool any = scheduler().run_jobs_filtered(
                   [this](caf::resumable* r) { return asleep.count(r) == 0; }) > 0;
    for (auto& n : nodes)
      while (n->journal->pump()) any = true;
    REQUIRE(net.run_for(0ns));
    return any || net.event_count() != before;
  }
  void pass(duration step) {
    REQUIRE(net.run_for(step));
    scheduler().advance_time(step);
  }

  std::vector<secret_key> keys_;
  std::vector<caf::actor> actors_;
};

inline test_node::test_node(test_world& w, std::string name, secret_key k)
    : world(w), host(std::move(name)), key(std::move(k)),
      journal(std::make_unique<store::journal>(*backend, w.time, store::journal_options{false},
                                               [](const error&) {})),
      book(key.did()) {
  observe::log_options to;
  to.time = &w.time;
  to.threshold = observe::level::debug;
  to.sink = [this](std::string_view line) { lines.emplace_back(world.time.now(), line); };
  log = observe::log_hub::open(to).value().get("link");
  cluster = w.act([this]() -> caf::behavior {
    return {[this](const link_changed& c) { changes.push_back(c); },
            [this](const members_heard& m) { heard.push_back(m); }};
  });
}

inline session_ports test_node::ports() {
  return {world.net.reactor_of(host),
          world.time,
          world.random,
          router,
          key,
          secret,
          log,
          data_queue_max};
}

inline wire::hello test_node::hello() const {
  wire::hello h;
  h.name = host;
  h.addresses = {address()};
  h.synced = journal->synced();
  return h;
}

inline test_agent& test_node::spawn() {
  auto& a = *agents.emplace_back(std::make_unique<test_agent>());
  auto agent_key = std::make_shared<const secret_key>(secret_key::generate(world.random));
  a.id = agent_key->did();
  a.box = world.act([&a] { return a.behavior(); });
  book.add(a.id, agent_key, 1);
  router.add_local(a.id);
  router.set_mailbox(a.id, a.box, a.gate);
  directory.put(id(), {a.id, "test", "", 1, false, {}});
  return a;
}

inline test_stream test_node::open(const test_agent& from, const did& to) {
  test_stream s;
  s.shared = std::make_shared<out_stream>(stream_id{from.id, to, lane::request, 7});
  router.add_stream(s.shared);
  return s;
}

inline std::vector<envelope> test_node::write(test_stream& s, int count, std::size_t size) {
  store::write_batch batch;
  std::vector<envelope> out;
  for (int i = 0; i < count; ++i) {
    auto text = std::to_string(s.head.next);
    if (text.size() < size) text.append(size - text.size(), '.');
    envelope_fields f;
    f.id = world.ids.next(world.time.wall(), world.random);
    f.from = s.shared->id.from.text();
    f.to = s.shared->id.to.text();
    f.kind = "note";
    f.content_type = "text/plain";
    f.payload = as_bytes(text);
    f.created = world.time.wall();
    f.incarnation = s.shared->id.incarnation;
    f.seq = s.head.next;
    f.previous = s.head.last;
    auto e = envelope::build(f);
    s.head = {f.seq + 1, e.hash()};
    batch.put(store::table::queue, keys::outbox(s.shared->key, f.seq), e.raw());
    out.push_back(std::move(e));
  }
  REQUIRE(journal->submit(std::move(batch), {}));
  while (journal->pump()) {
  }
  s.shared->durable = s.head.next - 1;
  return out;
}

inline void test_node::hand(test_stream& s, std::vector<envelope> list) {
  auto where = router.find(s.shared->id.to);
  auto link = router.link_of(where.node);
  if (where.where != route::kind::remote || !link.actor) return;
  outgoing out{s.shared, list.front().seq(), std::move(list)};
  if (link.gate->enter(out.size_bytes(), out.envelopes.size()))
    caf::anon_send(link.actor, std::move(out));
  else if (link.gate->raise_overflow())
    caf::anon_send(link.actor, queue_overflow{});
}

inline void test_node::post_volatile(const test_agent& from, const did& to, int count,
                                     std::size_t size) {
  auto link = router.link_of(router.find(to).node);
  REQUIRE(link.actor);
  outgoing_volatile out;
  for (int i = 0; i < count; ++i) {
    std::string text(size, char('a' + i % 26));
    envelope_fields f;
    f.id = world.ids.next(world.time.wall(), world.random);
    f.from = from.id.text();
    f.to = to.text();
    f.kind = "note";
    f.qos = qos::at_most_once;
    f.payload = as_bytes(text);
    out.envelopes.push_back(envelope::build(f));
  }
  REQUIRE(link.gate->enter(out.size_bytes(), out.envelopes.size()));
  caf::anon_send(link.actor, std::move(out));
}

inline void test_node::start_link(const did& peer) {
  link_ports p{id(),     world.time,
               *backend, *journal,
               router,   directory,
               book,     peers,
               log,      [this](const did& of, auto position) {
                 seen[of] = position; }};
  auto gate = std::make_shared<actor_gate>();
  gates[peer] = gate;
  links[peer] = world.own(world.system->spawn<link_actor>(peer, cluster, std::move(p), gate));
  router.set_link(peer, links[peer], gate);
}

inline link_session::events test_node::events() {
  return {[this](const std::shared_ptr<link_session>& s, const peer_info& p) {
            opened.push_back(s);
            met.push_back(p);
            if (auto link = links.find(p.node); adopts && link != links.end())
              caf::anon_send(link->second, adopt_session{s});
          },
          [this](const std::shared_ptr<link_session>& s, const error& why) {
            ended.emplace_back(s.get(), why);
          }};
}

inline void test_node::listen() {
  port = world.net.network_of(host)
             .listen(address(),
                     [this](std::unique_ptr<net::byte_stream> s) {
                       sessions.push_back(link_session::start(std::move(s), false, {}, hello(),
                                                              ports(), events()));
                     })
             .value();
}

inline void test_node::dial(const test_node& to, std::optional<did> expected) {
  world.net.network_of(host).connect(
      to.address(), 5s, [this, expected](result<std::unique_ptr<net::byte_stream>> s) {
        REQUIRE(s);
        sessions.push_back(
            link_session::start(std::move(*s), true, expected, hello(), ports(), events()));
      });
}

inline std::vector<std::shared_ptr<link_session>> test_node::live() const {
  std::vector<std::shared_ptr<link_session>> out;
  for (const auto& s : opened)
    if (std::none_of(ended.begin(), ended.end(), [&](const auto& e) { return e.first == s.get(); }))
      out.push_back(s);
  return out;
}

inline std::vector<time_point> test_node::logged_at(std::string_view part) const {
  std::vector<time_point> out;
  for (const auto& [at, line] : lines)
    if (line.find(part) != std::string::npos) out.push_back(at);
  return out;
}

} // namespace kith::testing
