// The cluster's actor with real links on the simulated network: who is dialled, when again, who is
// told of whom, and what becomes of a connection whose link begins anew.
#include "actors/membership/cluster_actor.hpp"

#include "actors/link/test_support.hpp"

using namespace kith;
using namespace kith::testing;

namespace {

// One node of the cluster.
struct member {
  explicit member(test_world& w) : world(w), node(w.node()), network(w.net.network_of(node.host)) {}

  void listen() {
    node.port = network
                    .listen(node.address(),
                            [this](std::unique_ptr<net::byte_stream> s) {
                              ++accepted;
                              auto hello = node.hello();
                              hello.name = name;
                              cluster_actor::greet(std::move(s), false, "", {}, hello, node.ports(),
                                                   node.cluster);
                            })
                    .value();
  }
  void start(std::vector<std::string> seeds) {
    links = world.act([this]() -> caf::behavior {
      return {[this](child_spec& s) {
        bool known = std::any_of(specs.begin(), specs.end(),
                                 [&](const auto& other) { return other.name == s.name; });
        specs.push_back(s);
        if (!known) s.start(*world.system); // the same child twice is one child
      }};
    });
    cluster_ports ports{node.ports(),
                        network,
                        *node.journal,
                        *node.backend,
                        node.router,
                        node.peers,
                        node.log,
                        links,
                        [this](caf::actor_system&, const did& peer, const caf::actor&) {
                          node.start_link(peer);
                          return node.links[peer];
                        },
                        [this](bool now) { joined.push_back(now); },
                        [this](const error& why) { fatal.push_back(why.code); }};
    cluster_options options{name, {node.address()}, std::move(seeds), 1, restored};
    node.cluster = world.own(world.system->spawn<cluster_actor>(options, std::move(ports), seen));
  }
  // As its supervisor does after a crash.
  void restart_link() {
    caf::anon_send_exit(node.links.begin()->second, caf::exit_reason::kill);
    world.settle();
    specs[0].start(*world.system);
  }
  bool up(const member& other) const { return node.state_of(other.node.id()) == "up"; }

  test_world& world;
  test_node& node;
  net::network& network;
  std::string name = node.host;                                              // what it calls itself
  std::shared_ptr<seen_positions> seen = std::make_shared<seen_positions>(); // as cluster_ports has
  caf::actor links; // in place of the supervisor
  std::vector<child_spec> specs;
  bool restored = false;
  std::size_t accepted = 0; // connections
  std::vector<bool> joined;
  std::vector<std::string> fatal;
};

struct cluster {
  cluster() {
    for (auto* m : {&a, &b, &c}) m->listen();
  }
  ~cluster() {
    for (auto* m : {&a, &b, &c}) caf::anon_send_exit(m->node.cluster, caf::exit_reason::kill);
    world.settle();
    for (auto* m : {&a, &b, &c}) m->node.port = nullptr;
    drop();
    world.run_for(6s, 100ms); // sockets linger so long
  }
  void drop() {
    for (auto [one, other] : {std::pair{"alpha", "beta"}, {"alpha", "gamma"}, {"beta", "gamma"}})
      world.net.drop_connections(one, other);
    world.net.drop_connections("alpha", "alpha");
  }
  // What an agent at `from` sends to one at `to` arrives.
  void check_way(member& from, member& to) {
    auto& sender = from.node.spawn();
    auto& recipient = to.node.spawn();
    caf::anon_send(to.node.links[from.node.id()],
                   directory_change{{{recipient.id, "test", "", 1, false, {}}}});
    world.run_for(50ms);
    auto s = from.node.open(sender, recipient.id);
    from.node.post(s, 3);
    CHECK(world.run_until([&] { return s.shared->acked == 3; }, 1s));
  }

  test_world world;
  member a{world}, b{world}, c{world};
};

} // namespace

TEST_CASE_METHOD(cluster, "a node joins by its seed, and both know each other",
                 "[membership][unit]") {
  b.start({});
  a.start({b.node.address()});
  world.settle();
  CHECK(b.joined == std::vector<bool>{true}); // it has nobody to wait for
  CHECK(a.joined.empty());
  REQUIRE(world.run_until([&] { return a.up(b) && b.up(a); }, 2s));
  world.run_for(100ms);
  CHECK(a.joined == std::vector<bool>{true});
  CHECK(a.node.peers.all()[b.node.id()].name == "beta");
  CHECK(b.node.peers.all()[a.node.id()].address == a.node.address());
  check_way(a, b);
  check_way(b, a);
  world.run_for(10s, 10ms);
  CHECK(b.accepted == 1);
  CHECK(a.accepted == 0);
  CHECK(a.fatal.empty());
}

TEST_CASE_METHOD(cluster, "a seed that does not answer is dialled again, ever more rarely",
                 "[membership][unit]") {
  b.node.port = nullptr;
  a.start({b.node.address()});
  auto failures = [&] { return a.node.logged_at("dial failed"); };
  world.run_for(1s);
  CHECK(failures().size() >= 3);
  world.run_for(10s, 10ms);
  auto before = failures().size();
  world.run_for(20s, 10ms);
  auto all = failures();
  CHECK(all.size() - before >= 9); // each after two seconds at most, and a little
  CHECK(all.size() - before <= 20);
  for (std::size_t i = 1; i < all.size(); ++i)
    REQUIRE(all[i] - all[i - 1] >= membership::retry_delay / 2);
  CHECK(a.joined.empty());

  b.listen();
  b.start({});
  CHECK(world.run_until([&] { return a.up(b); }, membership::retry_delay_max + 1s));
  world.run_for(100ms);
  CHECK(a.joined == std::vector<bool>{true});
}

TEST_CASE_METHOD(cluster, "members are passed on, to newcomers and of newcomers",
                 "[membership][unit]") {
  a.start({});
  b.start({a.node.address()});
  REQUIRE(world.run_until([&] { return a.up(b); }, 2s));
  SECTION("who can reach each other") {}
  SECTION("the older one has to dial") { b.node.port = nullptr; }
  SECTION("the newcomer has to dial") { c.node.port = nullptr; }
  c.start({a.node.address()});
  REQUIRE(world.run_until([&] { return b.up(c) && c.up(b) && a.up(c); }, 5s));
  world.run_for(500ms);
  check_way(b, c);
  world.run_for(5s, 10ms);
  CHECK(a.accepted + b.accepted + c.accepted <= 4);
}

TEST_CASE_METHOD(cluster, "two peers of one name are two links", "[membership][unit]") {
  SECTION("the name of neither's host") { b.name = c.name = "worker"; }
  SECTION("no name at all") { b.name = c.name = ""; }
  SECTION("the name of the node that they join") { b.name = c.name = a.name; }
  SECTION("a name that is the other's DID") { c.name = b.node.id().text(); }
  a.start({});
  b.start({a.node.address()});
  c.start({a.node.address()});
  REQUIRE(world.run_until([&] { return a.up(b) && a.up(c) && b.up(c) && c.up(b); }, 5s));
  CHECK(b.up(a));
  CHECK(c.up(a));
  CHECK(a.node.links.size() == 2);
  CHECK(a.node.peers.all()[b.node.id()].name == b.name);
  CHECK(a.node.peers.all()[c.node.id()].name == c.name);
  check_way(a, b);
  check_way(a, c);
  check_way(b, c);
  check_way(c, a);
}

TEST_CASE_METHOD(cluster, "a lost link is dialled again, by whoever notices",
                 "[membership][unit]") {
  b.start({});
  a.start({b.node.address()});
  REQUIRE(world.run_until([&] { return a.up(b) && b.up(a); }, 2s));
  drop();
  world.run_for(20ms);
  CHECK_FALSE(a.up(b));
  REQUIRE(world.run_until([&] { return a.up(b) && b.up(a); }, 2s));
  world.run_for(1s);
  CHECK(a.up(b));
  CHECK(b.up(a));
  check_way(a, b);
  CHECK(a.specs.size() == 1); // the link lived on
}

TEST_CASE_METHOD(cluster, "a link that was restarted gets a connection of its own",
                 "[membership][unit]") {
  b.start({});
  a.start({b.node.address()});
  REQUIRE(world.run_until([&] { return a.up(b) && b.up(a); }, 2s));
  auto& restarted = GENERATE(false, true) ? a : b;
  SECTION("instead of the one that there was") {}
  SECTION("though a second one was refused since") {
    // The greater DID dials, and what the smaller dialled stays.
    b.network.connect(a.node.address(), 1s, [&](result<std::unique_ptr<net::byte_stream>> s) {
      cluster_actor::greet(std::move(*s), true, a.node.address(), {}, b.node.hello(),
                           b.node.ports(), b.node.cluster);
    });
    world.run_for(500ms);
    REQUIRE(b.node.logged("replaced by another connection"));
    REQUIRE(a.up(b));
  }
  restarted.restart_link();
  world.run_for(1s);
  CHECK(a.up(b));
  CHECK(b.up(a));
  check_way(a, b);
  check_way(b, a);
}

TEST_CASE_METHOD(cluster, "two connections that come before their link has started become one",
                 "[membership][unit]") {
  a.start({});
  b.start({});
  auto& busy = GENERATE(false, true) ? a : b;
  world.asleep.insert(test_world::job(busy.links));
  auto dial = [&](member& from, member& to) {
    from.network.connect(to.node.address(), 1s, [&](result<std::unique_ptr<net::byte_stream>> s) {
      cluster_actor::greet(std::move(*s), true, to.node.address(), {}, from.node.hello(),
                           from.node.ports(), from.node.cluster);
    });
    world.run_for(200ms);
  };
  SECTION("first of the smaller DID") { dial(a, b), dial(b, a); }
  SECTION("first of the greater") { dial(b, a), dial(a, b); }
  SECTION("and more than anybody needs") {
    for (int i = 0; i < 20; ++i) dial(a, b);
  }
  world.asleep.clear();
  world.run_for(1s);
  CHECK(a.up(b));
  CHECK(b.up(a));
  check_way(a, b);
  check_way(b, a);
}

TEST_CASE_METHOD(cluster, "what connects while a link is down is connected anew when it is back",
                 "[membership][unit]") {
  b.start({});
  a.start({b.node.address()});
  REQUIRE(world.run_until([&] { return a.up(b) && b.up(a); }, 2s));
  auto& restarted = GENERATE(false, true) ? a : b;
  caf::anon_send_exit(restarted.node.links.begin()->second, caf::exit_reason::kill);
  world.settle();
  drop();
  world.run_for(1s); // the other one dials, and so may this one
  restarted.specs[0].start(*world.system);
  world.run_for(2s);
  CHECK(a.up(b));
  CHECK(b.up(a));
  check_way(a, b);
  check_way(b, a);
}

TEST_CASE_METHOD(cluster, "a seed list may name the node itself", "[membership][unit]") {
  b.start({});
  a.start({a.node.address(), b.node.address()});
  world.run_for(2s);
  CHECK(a.fatal.empty());
  CHECK(a.up(b));
  CHECK(a.joined == std::vector<bool>{true});
  CHECK(a.node.peers.all().size() == 1);
  CHECK(a.accepted == 1);
  world.run_for(10s, 10ms);
  CHECK(a.accepted == 1); // never again
}

TEST_CASE_METHOD(cluster,
                 "a node with another cluster's secret is told at its start, and stays out",
                 "[membership][unit]") {
  b.start({});
  a.node.secret = crypto::secret_buffer(as_bytes("the secret of another one"));
  SECTION("one that has not joined ends") {
    a.start({b.node.address()});
    world.run_for(1s);
    REQUIRE_FALSE(a.fatal.empty());
    CHECK(a.fatal[0] == "wrong_cluster_secret");
  }
  SECTION("one that has is not disturbed by a stranger") {
    a.node.secret = b.node.secret.clone();
    a.start({b.node.address()});
    REQUIRE(world.run_until([&] { return a.up(b); }, 2s));
    world.run_for(100ms);
    c.node.secret = crypto::secret_buffer(as_bytes("the secret of another one"));
    c.start({});
    caf::anon_send(a.node.cluster,
                   members_heard{b.node.id(), {{c.node.id(), "gamma", {c.node.address()}}}});
    world.run_for(3s, 10ms);
    CHECK(a.fatal.empty());
    CHECK(c.fatal.empty());
    CHECK_FALSE(a.up(c));
    CHECK(a.up(b));
  }
  CHECK(b.fatal.empty());
  CHECK_FALSE(b.up(c));
}

TEST_CASE_METHOD(cluster,
                 "what was learnt of a peer is remembered, and it is dialled without a seed",
                 "[membership][unit]") {
  b.start({});
  a.start({b.node.address()});
  REQUIRE(world.run_until([&] { return a.up(b) && b.up(a); }, 2s));
  world.run_for(100ms);
  a.node.port = nullptr;
  caf::anon_send(a.node.cluster, stop_child{true});
  world.settle();
  caf::anon_send(a.node.links.begin()->second, stop_child{true});
  world.run_for(1s);
  CHECK_FALSE(b.up(a));
  world.run_for(3s, 10ms);
  CHECK(b.accepted == 1); // it has stopped

  a.node.links.clear();
  a.specs.clear();
  a.start({}); // where b cannot dial it
  CHECK(world.run_until([&] { return a.up(b) && b.up(a); }, 3s));
  check_way(a, b);
}

TEST_CASE_METHOD(cluster, "a node whose store fell behind what a peer saw of it ends",
                 "[membership][unit]") {
  b.start({});
  records::peer_record r;
  r.node = b.node.id();
  r.addresses = {b.node.address()};
  SECTION("it fell behind") {
    r.seen = 999;
    store::write_batch batch;
    batch.put(store::table::state, keys::peer(keys::of(r.node)), records::encode(r));
    REQUIRE(a.node.journal->submit(std::move(batch), {}));
    world.settle();
    a.start({});
    world.run_for(1s);
    CHECK(b.fatal == std::vector<std::string>{"store_rewound"});
    CHECK_FALSE(b.up(a));
  }
  SECTION("it did not") {
    auto& from = b.node.spawn();
    auto s = b.node.open(from, b.node.spawn().id);
    b.node.write(s, 1);
    r.seen = b.node.journal->synced();
    store::write_batch batch;
    batch.put(store::table::state, keys::peer(keys::of(r.node)), records::encode(r));
    REQUIRE(a.node.journal->submit(std::move(batch), {}));
    world.settle();
    a.start({});
    world.run_for(1s);
    CHECK(b.fatal.empty());
    CHECK(b.up(a));
  }
  CHECK(a.fatal.empty());
}

TEST_CASE_METHOD(cluster, "a restored node goes on behind what peers saw of it",
                 "[membership][unit]") {
  b.restored = true;
  b.start({});
  records::peer_record r;
  r.node = b.node.id();
  r.addresses = {b.node.address()};
  r.seen = 999;
  store::write_batch batch;
  batch.put(store::table::state, keys::peer(keys::of(r.node)), records::encode(r));
  REQUIRE(a.node.journal->submit(std::move(batch), {}));
  world.settle();
  a.start({});
  REQUIRE(world.run_until([&] { return b.up(a); }, 2s));
  world.settle();
  CHECK(b.fatal.empty());
  CHECK(b.node.journal->synced() > 999); // its next start is nothing to them
}
