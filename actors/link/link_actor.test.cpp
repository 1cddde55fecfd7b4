// Two links, one at each end, with real sessions between them: what goes out and comes in, what is
// sent again after a loss, and what stays behind where there is no room.
#include "actors/link/test_support.hpp"

using namespace kith;
using namespace kith::testing;

namespace {

struct two_links {
  two_links() {
    a.listen(), b.listen();
    a.start_link(b.id()), b.start_link(a.id());
  }
  void connect() {
    auto before = a.opened.size();
    a.dial(b);
    REQUIRE(world.run_until(
        [&] { return a.opened.size() > before && a.live().size() == 1 && b.live().size() == 1; },
        5s));
    world.run_for(20ms);
  }
  // "1...", "2...": what test_node::write makes.
  static std::vector<std::string> texts(int from, int to, std::size_t size = 16) {
    std::vector<std::string> out;
    for (; from <= to; ++from) {
      auto t = std::to_string(from);
      t.append(size - t.size(), '.');
      out.push_back(std::move(t));
    }
    return out;
  }
  bool lost_at_both() { return a.state_of(b.id()) == "down" && b.state_of(a.id()) == "down"; }

  test_world world;
  test_node &a = world.node(), &b = world.node();
};

// A sender at a, a recipient at b, connected.
struct one_stream : two_links {
  one_stream() { connect(); }
  actor_gate& link_gate() { return *a.gates.at(b.id()); }
  test_agent &from = a.spawn(), &to = b.spawn();
  test_stream s = a.open(from, to.id);
};

} // namespace

TEST_CASE_METHOD(two_links, "a link that is up says so, and who lives where", "[link][unit]") {
  auto& x = a.spawn();
  auto& y = b.spawn();
  connect();
  for (auto* n : {&a, &b}) {
    auto& peer = n == &a ? b : a;
    CHECK(n->state_of(peer.id()) == "up");
    REQUIRE(n->changes.size() == 1);
    CHECK(n->changes[0].peer == peer.id());
    CHECK(n->changes[0].up);
  }
  CHECK(a.router.find(y.id).node == b.id());
  CHECK(b.router.find(x.id).node == a.id());
  CHECK(a.directory.count(b.id()) == 1);
}

TEST_CASE_METHOD(two_links, "a directory speaks for the peer's own agents, as it is now",
                 "[link][unit]") {
  auto& y = b.spawn();
  connect();
  auto& late = b.spawn();
  caf::anon_send(b.links[a.id()], directory_change{{{late.id, "test", "late", 1, false, {}}}});
  caf::anon_send(b.links[a.id()], directory_change{{{y.id, "", "", 1, true, {}}}});
  world.run_for(20ms);
  CHECK(a.directory.named("late").size() == 1);
  CHECK(a.router.find(late.id).node == b.id());
  CHECK(a.router.find(y.id).where == route::kind::unknown);
  CHECK(a.directory.count(b.id()) == 1);

  // What it says of another node's is not believed.
  auto elsewhere = secret_key::generate(world.random).did();
  auto third = secret_key::generate(world.random).did();
  caf::anon_send(b.links[a.id()],
                 link_say{{wire::directory{third, true, false, {{elsewhere, "", "", 9}}}}});
  world.run_for(20ms);
  CHECK(a.router.find(elsewhere).where == route::kind::unknown);
  CHECK(a.directory.count(third) == 0);
}

TEST_CASE_METHOD(one_stream, "what is outgoing arrives in order, and its ack comes back",
                 "[link][unit]") {
  a.post(s, 5);
  CHECK(link_gate().count() == 5);
  world.run_for(50ms);
  a.post(s, 3);
  world.run_for(50ms);
  CHECK(to.taken == texts(1, 8));
  CHECK(to.repeated == 0);
  CHECK(s.shared->acked == 8);
  REQUIRE_FALSE(from.acked.empty());
  CHECK(from.acked.back().stream == s.shared->id);
  CHECK(from.acked.back().upto == 8);
  CHECK(link_gate().count() == 0); // the gate's room is free again
  CHECK(to.gate->count() == 0);
  world.run_for(2s, 10ms);
  CHECK(a.peers.all()[b.id()].unacknowledged == 0);
  CHECK(a.peers.all()[b.id()].rtt_us >= 2000); // the network's latency, twice
  CHECK(to.repeated == 0);
}

TEST_CASE_METHOD(one_stream, "a large envelope arrives whole, and others behind it",
                 "[link][unit]") {
  a.post(s, 1, 300'000);
  a.post(s, 2);
  world.run_for(500ms);
  REQUIRE(to.taken.size() == 3);
  CHECK(to.taken[0] == texts(1, 1, 300'000)[0]);
  CHECK(to.taken[2] == texts(3, 3)[0]);
}

TEST_CASE_METHOD(one_stream, "the peer's journal position is noted, for its next hello",
                 "[link][unit]") {
  auto& other = b.spawn();
  auto busy = b.open(other, from.id);
  b.write(busy, 3);
  a.post(s, 1);
  world.run_for(2s, 10ms);
  CHECK(a.seen[b.id()] == b.journal->synced());
  CHECK(b.journal->synced() > 0);
}

TEST_CASE_METHOD(one_stream, "after a loss what is not acknowledged comes from the outbox, once",
                 "[link][unit]") {
  a.post(s, 2);
  world.run_for(50ms);
  to.mute = true;
  a.post(s, 3); // taken there, not acknowledged
  world.run_for(50ms);
  REQUIRE(to.taken.size() == 5);
  CHECK(s.shared->acked == 2);
  a.write(s, 2); // durable, but never handed to the link
  world.net.drop_connections("alpha", "beta");
  world.run_for(50ms);
  CHECK(lost_at_both());
  REQUIRE(a.changes.size() == 2);
  CHECK_FALSE(a.changes[1].up);
  a.post(s, 2); // while there is no connection
  world.run_for(50ms);
  CHECK(link_gate().count() == 0);

  to.mute = false;
  connect();
  world.run_for(50ms);
  CHECK(to.taken == texts(1, 9));
  CHECK(to.repeated == 0);
  CHECK(s.shared->acked == 9);
  CHECK(from.acked.back().upto == 9);
}

TEST_CASE_METHOD(one_stream, "what is lost on the way goes again, however often the line breaks",
                 "[link][unit]") {
  for (int i = 0; i < 20; ++i) {
    a.post(s, 10, 5000);
    world.run_for(std::chrono::microseconds(world.random.below(4000)), 100us);
    world.net.drop_connections("alpha", "beta");
    world.run_for(10ms);
    connect();
  }
  world.run_for(3s, 10ms);
  CHECK(to.taken == texts(1, 200, 5000));
  CHECK(s.shared->acked == 200);
}

TEST_CASE_METHOD(one_stream, "a link that finds its gate was full sends what is in the outbox",
                 "[link][unit]") {
  bool flows = GENERATE(false, true);
  if (flows) {
    a.post(s, 1);
    world.run_for(50ms);
    REQUIRE(to.taken.size() == 1);
  }
  REQUIRE(link_gate().enter(1, std::size_t(actor_gate::count_max)));
  a.post(s, 3);
  a.post(s, 2);
  world.run_for(100ms); // less than after which a silent stream is asked about
  CHECK(to.taken == texts(1, flows ? 6 : 5));
  CHECK(to.repeated == 0);

  a.post(s, 1); // the link is told again
  world.run_for(100ms);
  CHECK(to.taken == texts(1, flows ? 7 : 6));

  link_gate().leave(std::size_t(actor_gate::count_max), 1);
  a.post(s, 1);
  world.run_for(100ms);
  CHECK(to.taken == texts(1, flows ? 8 : 7));
  CHECK(to.repeated == 0);
  CHECK(link_gate().count() == 0);
}

TEST_CASE_METHOD(one_stream, "QoS 0 arrives, or is dropped without room and counted",
                 "[link][unit]") {
  a.post_volatile(from, to.id, 3);
  world.run_for(50ms);
  CHECK(to.loose.size() == 3);
  CHECK(link_gate().count() == 0);

  a.data_queue_max = 20'000;
  world.net.drop_connections("alpha", "beta");
  world.run_for(50ms);
  a.post_volatile(from, to.id, 2); // nobody is connected
  world.run_for(50ms);
  connect();
  world.net.partition("alpha", "beta");
  // The socket takes some before the session's own queue fills.
  for (int i = 0; i < 300; ++i) {
    a.post_volatile(from, to.id, 1, 10'000);
    world.settle();
  }
  link_gate().dropped += 4; // as a mailbox notes what found the gate full
  world.run_for(1500ms, 10ms);
  world.net.heal_all();
  world.run_for(1500ms, 10ms);
  auto counted = a.peers.all()[b.id()].volatile_dropped;
  CHECK(counted > 2 + 4);
  CHECK(counted + to.loose.size() == 3 + 2 + 300 + 4);
  CHECK(link_gate().count() == 0);
}

TEST_CASE_METHOD(one_stream, "QoS 2 past the session's room waits in the outbox and goes on",
                 "[link][unit]") {
  a.data_queue_max = 20'000;
  world.net.drop_connections("alpha", "beta");
  world.run_for(50ms);
  connect();
  a.post(s, 1);
  world.run_for(50ms);
  world.net.partition("alpha", "beta");
  for (int i = 0; i < 300; ++i) a.post(s, 1, 10'000);
  world.run_for(1s, 10ms);
  world.net.heal_all();
  REQUIRE(world.run_until([&] { return s.shared->acked == 301; }, 10s));
  CHECK(to.taken.size() == 301);
  CHECK(a.ended.size() == 1); // the one that was dropped above
}

TEST_CASE_METHOD(one_stream, "what finds no room in front of a mailbox comes later, all of it",
                 "[link][unit]") {
  a.post(s, 1);
  world.run_for(50ms);
  REQUIRE(to.gate->enter(1, std::size_t(actor_gate::count_max)));
  a.post(s, 3);
  world.run_for(50ms);
  CHECK(to.came == 1);
  CHECK(s.shared->acked == 1);
  SECTION("because what follows shows the gap") {
    to.gate->leave(std::size_t(actor_gate::count_max), 1);
    a.post(s, 1);
    world.run_for(50ms);
    CHECK(to.gaps == 1);
    CHECK(to.taken == texts(1, 5));
  }
  SECTION("because a silent stream is asked about") {
    world.run_for(3s, 10ms);
    CHECK(to.came == 1); // and again there was none
    CHECK(to.asked > 1);
    to.gate->leave(std::size_t(actor_gate::count_max), 1);
    world.run_for(link_streams::silence_max + 1s, 10ms);
    CHECK(to.gaps == 0);
    CHECK(to.taken == texts(1, 4));
  }
  CHECK(to.repeated == 0);
  CHECK(s.shared->acked == to.taken.size());
  CHECK(to.gate->count() == 0);
}

TEST_CASE_METHOD(one_stream, "credit is kept to across the wire", "[link][unit]") {
  to.credit = 2;
  to.mute = true;
  world.net.drop_connections("alpha", "beta");
  world.run_for(20ms);
  connect();
  a.post(s, 5);
  world.run_for(100ms);
  CHECK(to.taken == texts(1, 2));
  to.mute = false;
  world.run_for(3s, 10ms); // it is asked how far it is, and says so
  CHECK(to.taken == texts(1, 5));
  CHECK(to.repeated == 0);
}

TEST_CASE_METHOD(two_links,
                 "a flood of control frames stops while a link is busy, and goes on then",
                 "[link][unit]") {
  a.links.clear(); // a session that says what it is given
  connect();
  world.asleep.insert(test_world::job(b.links[a.id()]));
  const std::size_t total = 100'000;
  for (std::size_t i = 0; i < total; ++i)
    a.opened[0]->send_control(wire::encode(wire::members{{{a.id(), std::to_string(i), {}}}}));
  world.run_for(1s, 10ms);
  CHECK(b.heard.empty());
  world.asleep.clear();
  world.run_for(2s, 10ms);
  REQUIRE(b.heard.size() == total);
  CHECK(b.heard.back().list[0].name == std::to_string(total - 1));
  CHECK(b.heard.back().from == a.id());
  CHECK(b.live().size() == 1);
}

TEST_CASE_METHOD(one_stream, "a peer that answers no pings is lost, one that does is kept",
                 "[link][unit]") {
  world.run_for(20s, 10ms);
  CHECK(a.state_of(b.id()) == "up");
  net::link_traits silent;
  silent.black_hole = true;
  world.net.set_link("alpha", "beta", silent);
  world.run_for(link_actor::silence_max - 100ms, 10ms);
  CHECK(a.state_of(b.id()) == "up");
  a.post(s, 2);
  world.run_for(2 * link_actor::ping_interval, 10ms);
  CHECK(lost_at_both());
  CHECK(a.logged("no answer to pings"));
  REQUIRE(a.changes.size() == 2);
  CHECK_FALSE(a.changes[1].up);
  CHECK(a.live().empty());
  CHECK(to.taken.empty());

  world.net.set_link("alpha", "beta", {});
  connect();
  world.run_for(100ms);
  CHECK(to.taken == texts(1, 2));
}

TEST_CASE_METHOD(one_stream, "of two connections the one that the smaller DID dialled stays",
                 "[link][unit]") {
  REQUIRE(a.id() < b.id());
  SECTION("the other one comes second") { b.dial(a); }
  SECTION("it comes second") {
    world.net.drop_connections("alpha", "beta");
    world.run_for(50ms);
    b.dial(a);
    world.run_for(50ms);
    REQUIRE(a.live().size() == 1);
    REQUIRE_FALSE(a.live()[0]->dialed());
    a.post(s, 2);
    world.run_for(50ms);
    a.dial(b);
  }
  SECTION("both come at once") {
    world.net.drop_connections("alpha", "beta");
    world.run_for(50ms);
    a.dial(b);
    b.dial(a);
  }
  a.post(s, 2);
  world.run_for(500ms);
  REQUIRE(a.live().size() == 1);
  REQUIRE(b.live().size() == 1);
  CHECK(a.live()[0]->dialed());
  CHECK_FALSE(b.live()[0]->dialed());
  CHECK(a.state_of(b.id()) == "up");
  CHECK(b.state_of(a.id()) == "up");
  CHECK(a.changes.back().up);
  CHECK(b.changes.back().up);
  a.post(s, 2);
  world.run_for(100ms);
  CHECK(to.taken == texts(1, int(s.shared->durable)));
  CHECK(to.repeated == 0);
}

TEST_CASE_METHOD(one_stream, "a newer connection of the same dialler takes the place of the older",
                 "[link][unit]") {
  a.dial(b);
  world.run_for(500ms);
  REQUIRE(a.live().size() == 1);
  CHECK(a.live()[0] == a.opened[1]);
  REQUIRE(b.live().size() == 1);
  CHECK(b.live()[0] == b.opened[1]);
  a.post(s, 2);
  world.run_for(100ms);
  CHECK(to.taken == texts(1, 2));
}

TEST_CASE_METHOD(one_stream,
                 "what comes without a delegation is sent back, and comes again with it",
                 "[link][unit]") {
  a.book.remove(from.id);
  world.net.drop_connections("alpha", "beta");
  world.run_for(20ms);
  connect();
  a.post(s, 2);
  world.run_for(100ms);
  CHECK(to.came == 0);
  CHECK(b.logged("envelope refused"));
  CHECK(b.live().size() == 1); // the others' streams go on
  auto& honest = a.spawn();
  auto other = a.open(honest, to.id);
  a.post(other, 1);
  world.run_for(100ms);
  CHECK(to.taken == texts(1, 1));

  // It came to live here.
  auto key = std::make_shared<const secret_key>(secret_key::generate(world.random));
  auto late = a.open(test_agent{key->did()}, to.id);
  a.post(late, 2);
  world.run_for(100ms);
  CHECK(to.taken.size() == 1);
  a.book.add(key->did(), key, 1);
  world.run_for(link_streams::silence_max + 1s, 10ms);
  CHECK(to.taken.size() == 3);
  CHECK(late.shared->acked == 2);
  CHECK(s.shared->acked == 0);
}

TEST_CASE_METHOD(two_links, "what is for an agent that is not there waits until it is",
                 "[link][unit]") {
  connect();
  auto& from = a.spawn();
  auto key = std::make_shared<const secret_key>(secret_key::generate(world.random));
  auto s = a.open(from, key->did());
  SECTION("the peer was thought to have it") {
    a.router.set_remote(key->did(), b.id(), 1);
    a.post(s, 2);
  }
  SECTION("nobody was thought to have it") { a.post(s, 2); }
  world.run_for(100ms);
  CHECK(s.shared->acked == 0);
  CHECK(a.live().size() == 1);

  test_agent late;
  late.id = key->did();
  late.box = world.act([&] { return late.behavior(); });
  b.router.add_local(late.id);
  b.router.set_mailbox(late.id, late.box, late.gate);
  caf::anon_send(b.links[a.id()], directory_change{{{late.id, "test", "", 1, false, {}}}});
  world.run_for(100ms); // at once, not when a silent stream is asked about
  CHECK(late.taken == texts(1, 2));
  CHECK(s.shared->acked == 2);
  b.router.clear();
  late.box = nullptr;
}

TEST_CASE_METHOD(one_stream, "a mailbox that is being restarted is asked again", "[link][unit]") {
  a.post(s, 1);
  world.run_for(50ms);
  b.router.set_mailbox(to.id, {}, nullptr);
  a.post(s, 2);
  world.run_for(1s, 10ms);
  CHECK(to.taken.size() == 1);
  b.router.set_mailbox(to.id, to.box, to.gate);
  world.run_for(link_streams::silence_max + 1s, 10ms);
  CHECK(to.taken == texts(1, 3));
}

TEST_CASE_METHOD(one_stream, "a quarantined stream rests, the others go on", "[link][unit]") {
  a.post(s, 1);
  world.run_for(50ms);
  to.quarantine = true;
  a.post(s, 1);
  world.run_for(50ms);
  auto came = to.came;
  a.post(s, 1);
  world.run_for(5s, 10ms);
  CHECK(to.came == came);
  auto& neighbour = b.spawn();
  a.router.set_remote(neighbour.id, b.id(), 1);
  auto other = a.open(from, neighbour.id);
  a.post(other, 1);
  world.run_for(100ms);
  CHECK(neighbour.taken.size() == 1);
}

TEST_CASE_METHOD(one_stream, "an ack of what was never sent ends the link with a word",
                 "[link][unit]") {
  a.post(s, 1);
  world.run_for(50ms);
  caf::anon_send(b.links[a.id()], link_say{{wire::ack{{{1, 9, 100, 1 << 20}}, 0}}});
  world.run_for(100ms);
  CHECK(lost_at_both());
  CHECK(a.ended.back().second.code == "link_closed");
  CHECK(b.logged("ack_beyond_sent"));
  CHECK(s.shared->acked == 1);
}

TEST_CASE_METHOD(one_stream, "a link that is stopped says goodbye and is found no more",
                 "[link][unit]") {
  bool over = false;
  b.links[a.id()]->attach_functor([&](const caf::error&) { over = true; });
  caf::anon_send(b.links[a.id()], stop_child{true});
  world.run_for(100ms);
  CHECK(over);
  CHECK_FALSE(b.router.link_of(a.id()).actor);
  CHECK(a.logged("the node stops"));
  CHECK(a.state_of(b.id()) == "down");
  CHECK(a.live().empty());
  CHECK(b.live().empty());
}
