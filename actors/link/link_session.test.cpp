// Sessions on the simulated network: who gets in, what of a hostile peer ends the connection, and
// what waits where. A session without a link stands in for the hostile peer, because it says
// whatever it is given.
#include "actors/link/test_support.hpp"

using namespace kith;
using namespace kith::testing;

namespace {

struct two_nodes {
  two_nodes() { b.listen(); }
  // A connection, opened.
  void connect() {
    a.dial(b);
    REQUIRE(world.run_until([&] { return !a.opened.empty() && !b.opened.empty(); }, 2s));
  }
  link_session& at_a() { return *a.opened.back(); }
  link_session& at_b() { return *b.opened.back(); }
  void say(const wire::frame& f) { at_a().send_control(wire::encode(f)); }
  // Why b's end is over; empty: it is not.
  std::string b_ended() const { return b.ended.empty() ? "" : b.ended.back().second.code; }
  std::string a_ended() const { return a.ended.empty() ? "" : a.ended.back().second.code; }

  // Of an agent at the hostile a, with its delegation to a.
  envelope sign(const secret_key& from, const did& to, sequence seq, qos q = qos::exactly_once) {
    envelope_fields f;
    f.id = world.ids.next(world.time.wall(), world.random);
    f.from = from.did().text();
    f.to = to.text();
    f.kind = "note";
    f.payload = as_bytes("x");
    f.qos = q;
    f.seq = q == qos::at_most_once ? 0 : seq;
    f.incarnation = q == qos::at_most_once ? 0 : 7;
    return envelope::build(f);
  }
  void delegate(const secret_key& agent) {
    say(wire::delegations{
        {delegation::make(agent, a.id(), 1, world.time.wall() + delegation::lifetime_ms)
             .encode()}});
  }

  test_world world;
  test_node &a = world.node(), &b = world.node();
};

// What a session hands to its link, while the test decides when that has handled it.
struct frames_heard {
  std::vector<wire::frame> frames;
  std::vector<std::string> lost;
  int drained = 0;
};

caf::behavior hear(caf::event_based_actor*, frames_heard* log) {
  return {[=](link_frames& f) {
            for (auto& one : f.frames) log->frames.push_back(std::move(one));
          },
          [=](const link_drained&) { ++log->drained; },
          [=](const link_lost& l) { log->lost.push_back(l.why.code); }};
}

} // namespace

TEST_CASE_METHOD(two_nodes, "a handshake opens both ends, and each knows the other",
                 "[link][unit]") {
  a.dial(b, b.id());
  REQUIRE(world.run_until([&] { return !a.opened.empty() && !b.opened.empty(); }, 2s));
  CHECK(a.ended.empty());
  CHECK(b.ended.empty());
  CHECK(a.met[0].node == b.id());
  CHECK(a.met[0].dialed);
  CHECK(a.met[0].hello.name == "beta");
  CHECK(b.met[0].node == a.id());
  CHECK_FALSE(b.met[0].dialed);
  CHECK(b.met[0].hello.addresses == std::vector<std::string>{a.address()});
  CHECK(at_a().id() != at_b().id());
  CHECK((at_a().takes_at_least_once() && at_b().takes_at_least_once()));
}

TEST_CASE_METHOD(two_nodes, "two nodes agree on the muxer while they shake hands", "[link][unit]") {
  net::link_traits slow;
  slow.latency = 100ms;
  slow.jitter = 0ns;
  world.net.set_link("alpha", "beta", slow);
  auto begin = world.time.now();
  connect();
  for (auto* n : {&a, &b}) {
    CHECK(n->logged_at("muxed").size() == 1);
    CHECK(n->logged("early=yes"));
  }
  // There and back: the connection, the choice of Noise, two thirds of its handshake, the rest of
  // it with the stream's protocol, hello and welcome. Asking for the muxer would be one more.
  CHECK((world.time.now() - begin) / (2 * slow.latency) == 5);
}

TEST_CASE_METHOD(two_nodes, "a peer with another cluster secret is refused at both ends",
                 "[link][unit]") {
  a.secret = crypto::secret_buffer(as_bytes("the secret of another one"));
  a.dial(b);
  REQUIRE(world.run_until([&] { return !a.ended.empty() && !b.ended.empty(); }, 2s));
  CHECK(a.opened.empty());
  CHECK(b.opened.empty());
  CHECK(a_ended() == "bad_cluster_proof");
  CHECK(b_ended() == "bad_cluster_proof"); // it heard the other's hello too, before the end
  CHECK(a.ended.size() == 1);              // said once
}

TEST_CASE_METHOD(two_nodes,
                 "who answers at an address and is another node than expected is refused",
                 "[link][unit]") {
  a.dial(b, world.node().id());
  REQUIRE(world.run_until([&] { return !a.ended.empty() && !b.ended.empty(); }, 2s));
  CHECK(a_ended() == "wrong_peer");
  CHECK(a.opened.empty());
  CHECK(b.opened.empty());
}

TEST_CASE_METHOD(two_nodes, "a connection on which nobody speaks is given up", "[link][unit]") {
  world.net.set_link("alpha", "beta", {});
  std::unique_ptr<net::byte_stream> dumb;
  world.net.network_of("alpha").connect(b.address(), 5s, [&](auto s) { dumb = std::move(*s); });
  world.run_for(9s, 10ms);
  CHECK(b.ended.empty());
  world.run_for(3s, 10ms);
  CHECK(b_ended() == "handshake_timeout");
}

TEST_CASE_METHOD(two_nodes, "a peer that is secured and never opens the link is given up",
                 "[link][unit]") {
  net::link_traits slow;
  slow.latency = 100ms;
  world.net.set_link("alpha", "beta", slow);
  a.dial(b);
  REQUIRE(world.run_until([&] { return b.logged("muxed"); }, 2s));
  slow.black_hole = true;
  world.net.set_link("alpha", "beta", slow);
  world.run_for(13s, 10ms);
  CHECK(b.ended.empty());
  world.run_for(3s, 10ms);
  CHECK(b_ended() == "handshake_timeout");
  CHECK(b.opened.empty());
}

TEST_CASE_METHOD(two_nodes, "nobody need hold a session until it is open, and a crash takes it",
                 "[link][unit]") {
  net::link_traits slow;
  slow.latency = 100ms;
  slow.jitter = 0ns;
  world.net.set_link("alpha", "beta", slow);
  std::weak_ptr<link_session> session;
  world.net.network_of("alpha").connect(b.address(), 5s, [&](auto socket) {
    session =
        link_session::start(std::move(*socket), true, {}, a.hello(), a.ports(),
                            {[](const auto&, const auto&) {}, [](const auto&, const auto&) {}});
  });
  world.run_for(900ms, 10ms);
  CHECK_FALSE(session.expired());
  SECTION("open, it is gone when nobody wanted it") {
    world.run_for(200ms, 10ms);
    CHECK(session.expired());
  }
  SECTION("the host crashes before") {
    world.net.crash("alpha");
    CHECK(session.expired());
  }
}

TEST_CASE_METHOD(two_nodes, "what the peer said before there was a link waits for it",
                 "[link][unit]") {
  connect();
  say(wire::goodbye{wire::parting::other, "nobody hears this yet"});
  world.run_for(100ms);
  frames_heard heard;
  auto link = world.own(world.system->spawn(hear, &heard));
  at_b().attach(link);
  world.settle();
  REQUIRE(heard.frames.size() == 1);
  CHECK(std::holds_alternative<wire::goodbye>(heard.frames[0]));
}

TEST_CASE_METHOD(two_nodes, "a flood of control frames waits at the peer while the link is busy",
                 "[link][unit]") {
  connect();
  frames_heard heard;
  auto link = world.own(world.system->spawn(hear, &heard));
  at_b().attach(link);
  const wire::not_here small{1, wire::absence::unknown};
  const auto size = wire::encode(small).size();
  const std::size_t total = 500'000;
  REQUIRE(total * size < link_session::control_queue_max);
  for (std::size_t i = 0; i < total; ++i) say(small);

  world.run_for(3s, 10ms);
  const auto stuck = heard.frames.size();
  CHECK(stuck > link_session::frames_handed_max); // it was held there, not before
  const std::size_t window = 256 << 10;           // as yamux begins
  CHECK(stuck <= link_session::frames_handed_max + 2 * window / size);
  world.run_for(3s, 10ms);
  CHECK(heard.frames.size() == stuck);
  CHECK(b.ended.empty());

  at_b().handled(1); // far too few to go on
  world.run_for(1s, 10ms);
  CHECK(heard.frames.size() == stuck);

  auto done = std::size_t(1);
  while (heard.frames.size() < total) {
    auto before = heard.frames.size();
    at_b().handled(before - std::exchange(done, before));
    world.run_for(200ms, 10ms);
    REQUIRE(heard.frames.size() > before);
    REQUIRE(heard.frames.size() - before <= link_session::frames_handed_max + (32 << 20) / size);
  }
  CHECK(heard.frames.size() == total);
  CHECK(b.ended.empty());
}

TEST_CASE_METHOD(two_nodes, "a peer that reads nothing of the control lane is cut off",
                 "[link][unit]") {
  connect();
  frames_heard heard;
  at_a().attach(world.own(world.system->spawn(hear, &heard)));
  world.net.partition("alpha", "beta");
  const auto large = wire::encode(wire::refused{{}, std::string(wire::text_size_max, 'x')});
  auto send = [&](std::size_t size) {
    for (; size >= large.size(); size -= large.size()) at_a().send_control(large);
  };
  send(link_session::control_queue_max);
  world.run_for(100ms);
  CHECK(a.ended.empty()); // what the socket took makes room for as much
  send(link_session::control_queue_max);
  world.run_for(100ms);
  CHECK(a_ended() == "peer_too_slow");
  CHECK(heard.lost == std::vector<std::string>{"peer_too_slow"});
}

TEST_CASE_METHOD(two_nodes, "data past the room is told when it went, control goes before it",
                 "[link][unit]") {
  a.data_queue_max = 100'000;
  connect();
  frames_heard at_sender, at_receiver;
  at_a().attach(world.own(world.system->spawn(hear, &at_sender)));
  at_b().attach(world.own(world.system->spawn(hear, &at_receiver)));
  world.net.partition("alpha", "beta");
  // Any frame may stand in either lane, as far as the session is concerned.
  const wire::members data{{{b.id(), std::string(wire::name_size_max, 'd'), {}}}};
  CHECK(at_a().room());
  for (int i = 0; i < 5000; ++i) at_a().send_data(wire::encode(data));
  CHECK_FALSE(at_a().room());
  REQUIRE(5000 * wire::encode(data).size() > (1 << 20)); // more than the socket takes
  world.run_for(100ms);
  CHECK(at_sender.drained == 0);
  for (int i = 0; i < 10; ++i) say(wire::not_here{1, {}});
  world.net.heal_all();
  world.run_for(2s, 10ms);
  CHECK(at_sender.drained == 1);
  CHECK(at_a().room());
  REQUIRE(at_receiver.frames.size() == 5010);
  auto last_control = std::size_t(0);
  for (std::size_t i = 0; i < at_receiver.frames.size(); ++i)
    if (std::holds_alternative<wire::not_here>(at_receiver.frames[i])) last_control = i;
  CHECK(last_control < 4000);
}

TEST_CASE_METHOD(two_nodes, "what is no frame, or none for now, ends the connection with a word",
                 "[link][unit]") {
  connect();
  frames_heard at_sender;
  at_a().attach(world.own(world.system->spawn(hear, &at_sender)));
  SECTION("bytes that are no frame") {
    at_a().send_control(bytes(64, 0xff));
    world.run_for(1s, 10ms);
    CHECK(b_ended() == "frame_too_large");
    REQUIRE_FALSE(at_sender.frames.empty());
    CHECK(std::holds_alternative<wire::goodbye>(at_sender.frames.back()));
  }
  SECTION("a second hello") {
    wire::hello again;
    again.node = a.id();
    say(again);
    world.run_for(1s, 10ms);
    CHECK(b_ended() == "unexpected_frame");
  }
  SECTION("a batch of a stream that was never opened") {
    auto agent = secret_key::generate(world.random);
    wire::batch_builder data(9, 1);
    auto e = sign(agent, b.spawn().id, 1);
    REQUIRE(data.add(e.raw()));
    at_a().send_data(data.finish());
    world.run_for(1s, 10ms);
    CHECK(b_ended() == "unknown_number");
  }
  SECTION("a fragment of a stream that was never opened") {
    auto agent = secret_key::generate(world.random);
    auto e = sign(agent, b.spawn().id, 1);
    for (auto& f : wire::encode_fragments(9, 1, e.raw(), 0)) at_a().send_data(std::move(f));
    world.run_for(1s, 10ms);
    CHECK(b_ended() == "unknown_number");
  }
  SECTION("a number given to a second stream") {
    auto one = b.spawn().id, other = b.spawn().id;
    say(wire::stream_open{1, {a.id(), one, lane::request, 7}, {}});
    say(wire::stream_open{1, {a.id(), one, lane::request, 7}, {}}); // asked again
    world.run_for(100ms);
    CHECK(b.ended.empty());
    say(wire::stream_open{1, {a.id(), other, lane::request, 7}, {}});
    world.run_for(1s, 10ms);
    CHECK(b_ended() == "number_reused");
  }
  CHECK(b.live().empty());
  CHECK(at_sender.lost.size() == 1);
}

TEST_CASE_METHOD(two_nodes, "what came before a frame that ends the connection still counts",
                 "[link][unit]") {
  connect();
  frames_heard heard;
  at_b().attach(world.own(world.system->spawn(hear, &heard)));
  world.settle();
  say(wire::goodbye{wire::parting::shutdown, "that is all"});
  say(wire::ping{}); // after a goodbye nothing may come; the two go in one write
  world.run_for(100ms);
  CHECK(b_ended() == "unexpected_frame");
  REQUIRE(heard.frames.size() == 1);
  CHECK(std::holds_alternative<wire::goodbye>(heard.frames[0]));
  CHECK(heard.lost == std::vector<std::string>{"unexpected_frame"});
}

TEST_CASE_METHOD(two_nodes, "a signed head that does not hold ends the connection",
                 "[link][unit]") {
  connect();
  auto agent = secret_key::generate(world.random);
  auto& to = b.spawn();
  stream_id stream{agent.did(), to.id, lane::request, 7};
  delegate(agent);
  say(wire::stream_open{1, stream, {}});
  auto e = sign(agent, to.id, 1);
  wire::batch_builder data(1, 1);
  REQUIRE(data.add(e.raw()));
  signed_head head{1, e.hash(), {}};
  std::string why;
  SECTION("signed by nobody") { why = "bad_head_signature"; }
  SECTION("signed, and of other envelopes than came with it") {
    head.last[0] ^= 1;
    head.signature = agent.sign(signed_head::to_sign(stream, 1, head.last));
    why = "head_mismatch";
  }
  SECTION("as it should be") {
    head.signature = agent.sign(signed_head::to_sign(stream, 1, head.last));
  }
  REQUIRE(data.set_head(head));
  at_a().send_data(data.finish());
  world.run_for(500ms, 10ms);
  CHECK(b_ended() == why);
  CHECK(to.taken.size() == (why.empty() ? 1 : 0));
}

TEST_CASE_METHOD(two_nodes, "a forged delegation lets nothing through, and the others' are kept",
                 "[link][unit]") {
  connect();
  auto honest = secret_key::generate(world.random), victim = secret_key::generate(world.random);
  auto& to = b.spawn();
  auto forged = delegation::make(victim, a.id(), 1, world.time.wall() + delegation::lifetime_ms);
  forged.signature[3] ^= 1;
  say(wire::delegations{
      {forged.encode(),
       delegation::make(honest, a.id(), 1, world.time.wall() + delegation::lifetime_ms).encode()}});
  say(wire::stream_open{1, {victim.did(), to.id, lane::request, 7}, {}});
  say(wire::stream_open{2, {honest.did(), to.id, lane::request, 7}, {}});
  for (auto* from : {&victim, &honest}) {
    wire::batch_builder data(from == &victim ? 1 : 2, 1);
    auto e = sign(*from, to.id, 1);
    REQUIRE(data.add(e.raw()));
    at_a().send_data(data.finish());
  }
  world.run_for(500ms, 10ms);
  CHECK(b.ended.empty());
  CHECK(to.taken.size() == 1);
  CHECK(to.heads.count({honest.did(), to.id, lane::request, 7}) == 1);
  CHECK(b.router.find(honest.did()).node == a.id());
  CHECK(b.router.find(victim.did()).where == route::kind::unknown);
}

TEST_CASE_METHOD(two_nodes, "what a bad QoS 0 batch took of a mailbox's room is given back",
                 "[link][unit]") {
  connect();
  auto agent = secret_key::generate(world.random);
  auto& to = b.spawn();
  delegate(agent);
  auto good = sign(agent, to.id, 0, qos::at_most_once);
  wire::batch_builder data;
  REQUIRE(data.add(good.raw()));
  REQUIRE(data.add(slice(bytes(64, 0xff))));
  at_a().send_data(data.finish());
  world.run_for(500ms, 10ms);
  CHECK(b_ended() == "bad_envelope");
  CHECK(to.gate->count() == 0);
}

TEST_CASE_METHOD(two_nodes, "QoS 0 for a mailbox without room is dropped and counted",
                 "[link][unit]") {
  connect();
  auto agent = secret_key::generate(world.random);
  auto& to = b.spawn();
  delegate(agent);
  auto send = [&] {
    wire::batch_builder data;
    auto one = sign(agent, to.id, 0, qos::at_most_once), two = one;
    REQUIRE(data.add(one.raw()));
    REQUIRE(data.add(two.raw()));
    at_a().send_data(data.finish());
    world.run_for(100ms);
  };
  REQUIRE(to.gate->enter(1, std::size_t(actor_gate::count_max)));
  send();
  CHECK(to.loose.empty());
  CHECK(to.gate->dropped == 2);
  to.gate->leave(std::size_t(actor_gate::count_max), 1);
  send();
  CHECK(to.loose.size() == 2);
  CHECK(to.gate->count() == 0);
}

TEST_CASE_METHOD(two_nodes, "a session says goodbye when it is closed, and both ends are told once",
                 "[link][unit]") {
  connect();
  frames_heard at_receiver;
  at_b().attach(world.own(world.system->spawn(hear, &at_receiver)));
  at_a().close(wire::parting::shutdown, "the node stops");
  at_a().close(wire::parting::shutdown, "the node stops");
  world.run_for(1s, 10ms);
  CHECK(a_ended() == "link_closed");
  CHECK(a.ended.size() == 1);
  CHECK(b.ended.size() == 1);
  REQUIRE(at_receiver.frames.size() == 1);
  CHECK(std::get<wire::goodbye>(at_receiver.frames[0]).text == "the node stops");
  CHECK(at_receiver.lost.size() == 1);
}

TEST_CASE_METHOD(two_nodes, "a link that takes a session too late is told that it is over",
                 "[link][unit]") {
  connect();
  world.net.drop_connections("alpha", "beta");
  world.run_for(100ms);
  REQUIRE(a_ended() == "connection_reset");
  frames_heard heard;
  at_a().attach(world.own(world.system->spawn(hear, &heard)));
  world.settle();
  CHECK(heard.lost == std::vector<std::string>{"ended_early"});
}
