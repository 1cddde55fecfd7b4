// Whole connections in memory: secured, muxed, streams both ways, back-pressure, and peers that
// lie, stall or flood.
#include "protocols/libp2p/connection.hpp"

#include "protocols/libp2p/multistream.hpp"
#include "protocols/libp2p/noise_transport.hpp"
#include "protocols/libp2p/test_pair.hpp"
#include "protocols/libp2p/yamux.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::libp2p;
using test::at;
using test::speaking;

TEST_CASE("two connections secure, mux, identify and carry a stream in pieces of any size",
          "[libp2p][property]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    auto options = speaking({"/echo/1"});
    options.listen_addrs = {*multiaddr::parse("/ip4/127.0.0.1/tcp/9")};
    options.observed_addr = *multiaddr::parse("/ip4/127.0.0.1/tcp/1234");
    test::pair p({}, options, seed);
    std::size_t piece_max = seed % 4 == 0 ? 1 : 1 + seed * 37;
    p.pump(piece_max);
    REQUIRE(p.dialer.link.is_muxed());
    REQUIRE(p.listener.link.is_muxed());
    CHECK(p.dialer.link.peer() == test::key_of(2).did());
    CHECK(p.listener.link.peer() == test::key_of(1).did());
    CHECK(p.dialer.all<secured>()[0].handshake_hash == p.listener.all<secured>()[0].handshake_hash);
    REQUIRE(p.dialer.all<identified>().size() == 1);
    auto told = p.dialer.all<identified>()[0];
    CHECK(told.protocols ==
          std::vector<std::string>{"/echo/1", "/ipfs/ping/1.0.0", "/ipfs/id/1.0.0"});
    CHECK(told.listen_addrs == options.listen_addrs);
    CHECK(told.observed_addr == options.observed_addr);
    CHECK(p.listener.all<identified>().size() == 1);

    auto id = *p.dialer.link.open("/echo/1");
    CHECK(p.dialer.link.write(id, as_bytes("early")) == 0);
    p.pump(piece_max);
    REQUIRE(p.dialer.all<stream_opened>().size() == 1);
    REQUIRE(p.listener.all<stream_opened>().size() == 1);
    CHECK(p.listener.all<stream_opened>()[0].protocol == "/echo/1");
    CHECK(p.listener.all<stream_opened>()[0].inbound);
    auto body = test::numbered(piece_max == 1 ? 3'000 : 200'000);
    REQUIRE(p.dialer.link.write(id, body) == body.size());
    p.dialer.link.close_write(id);
    p.pump(piece_max);
    CHECK(p.listener.data_of(id) == body);
    CHECK(p.listener.all<stream_finished>().size() == 1);
    REQUIRE(p.listener.link.write(id, body) == body.size());
    p.listener.link.close_write(id);
    p.pump(piece_max);
    CHECK(p.dialer.data_of(id) == body);
    CHECK(p.dialer.all<stream_closed>().size() == 1);
    CHECK(p.listener.all<stream_closed>().size() == 1);
    CHECK_FALSE(p.dialer.failure);
    CHECK_FALSE(p.listener.failure);
  }
}

TEST_CASE("a dialer refuses another peer than the one it called, and tells it nothing",
          "[libp2p][unit]") {
  connection_options options;
  options.expected_peer = test::key_of(9).did();
  test::pair p(options);
  p.pump();
  REQUIRE(p.dialer.failure);
  CHECK(p.dialer.failure->code == "wrong_peer");
  CHECK(p.dialer.all<secured>().empty());
  CHECK(p.listener.all<secured>().empty());
  CHECK_FALSE(p.dialer.link.open("/x"));
  CHECK_FALSE(p.dialer.link.receive(as_bytes("x"), at(2)));
}

TEST_CASE("a listener refuses another peer than the one it awaits", "[libp2p][unit]") {
  connection_options options;
  options.expected_peer = test::key_of(9).did();
  test::pair p({}, options);
  p.pump();
  REQUIRE(p.listener.failure);
  CHECK(p.listener.failure->code == "wrong_peer");
  CHECK(p.listener.all<secured>().empty());
}

// The bytes of an honest handshake, by direction, and none of what may follow it.
static connection_options only_handshake(bool early_muxer) {
  connection_options o;
  o.identify_peer = false;
  o.early_muxer = early_muxer;
  return o;
}
static std::array<std::size_t, 2> handshake_sizes(const connection_options& options) {
  std::array<std::size_t, 2> sizes{};
  test::pair p(options, options);
  p.pump(1 << 20, at(1), [&](bool from_dialer, bytes& b) {
    auto& reader = from_dialer ? p.listener : p.dialer;
    auto& writer = from_dialer ? p.dialer : p.listener;
    // Up to where both are secured.
    if (!reader.link.peer() || !writer.link.peer()) sizes[from_dialer ? 0 : 1] += b.size();
  });
  // Muxed early, the dialer's yamux ping leaves together with its last handshake message.
  if (options.early_muxer) sizes[0] -= noise_length_size + yamux_header_size + noise_tag_size;
  return sizes;
}

TEST_CASE("a connection with any byte of its handshake changed is not established",
          "[libp2p][property]") {
  auto options = only_handshake(GENERATE(true, false));
  auto sizes = handshake_sizes(options);
  REQUIRE(sizes[0] > 200);
  REQUIRE(sizes[1] > 200);
  for (int direction : {0, 1})
    for (std::size_t target = 0; target < sizes[direction]; ++target) {
      test::pair p(options, options);
      std::size_t passed = 0;
      p.pump(1 << 20, at(1), [&](bool from_dialer, bytes& b) {
        if (from_dialer != (direction == 0)) return;
        if (target >= passed && target - passed < b.size())
          b[target - passed] ^= std::uint8_t(1 << (target % 8));
        passed += b.size();
      });
      INFO("direction " << direction << ", byte " << target);
      CHECK_FALSE((p.dialer.link.is_muxed() && p.listener.link.is_muxed()));
      bool failed = p.dialer.failure || p.listener.failure;
      CHECK((failed || !p.dialer.link.tick(at(10'001)) || !p.listener.link.tick(at(10'001))));
    }
}

TEST_CASE("a connection whose handshake is cut at any byte times out", "[libp2p][property]") {
  auto options = only_handshake(GENERATE(true, false));
  auto sizes = handshake_sizes(options);
  for (int direction : {0, 1})
    for (std::size_t keep = 0; keep < sizes[direction]; keep += 3) {
      test::pair p(options, options);
      std::size_t passed = 0;
      p.pump(1 << 20, at(1), [&](bool from_dialer, bytes& b) {
        if (from_dialer != (direction == 0)) return;
        b.resize(std::min(b.size(), keep - std::min(keep, passed)));
        passed += b.size();
      });
      auto& cut_off = direction == 0 ? p.listener : p.dialer;
      INFO("direction " << direction << ", " << keep << " bytes");
      REQUIRE_FALSE(cut_off.link.is_muxed());
      REQUIRE(cut_off.link.tick(at(9'999)));
      auto r = cut_off.link.tick(at(10'000));
      REQUIRE_FALSE(r);
      CHECK(r.error().code == "handshake_timeout");
    }
}

TEST_CASE("a handshake message of a huge length is refused by its length", "[libp2p][unit]") {
  test::end listener(role::listener, test::key_of(2), 5, {});
  bytes in;
  put_multistream_message(in, multistream_protocol);
  put_multistream_message(in, noise_protocol);
  in.push_back(0xff);
  in.push_back(0xff);
  auto r = listener.link.receive(in, at(1));
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "handshake_too_large");
}

TEST_CASE("a stream for a protocol the peer does not speak is refused and the connection lives on",
          "[libp2p][unit]") {
  test::pair p({}, speaking({"/a"}));
  p.pump();
  auto id = *p.dialer.link.open("/b");
  p.pump();
  REQUIRE(p.dialer.all<stream_reset>().size() == 1);
  CHECK(p.dialer.all<stream_reset>()[0].stream == id);
  CHECK(p.dialer.all<stream_reset>()[0].why.code == "protocol_refused");
  CHECK(p.listener.all<stream_opened>().empty());
  REQUIRE(p.dialer.link.open("/a"));
  p.pump();
  CHECK(p.dialer.all<stream_opened>().size() == 1);
  CHECK_FALSE(p.dialer.link.open(std::string(5000, 'x')));
}

TEST_CASE("both sides of a connection ping each other, again and again", "[libp2p][unit]") {
  test::pair p;
  p.pump();
  for (int i = 0; i < 5; ++i) {
    for (auto* e : {&p.dialer, &p.listener}) {
      REQUIRE(e->link.ping(at(10)));
      CHECK(e->link.ping(at(10)).error().code == "ping_in_progress");
    }
    p.pump(7, at(15));
    CHECK(p.dialer.all<pong>().size() == std::size_t(i + 1));
    CHECK(p.listener.all<pong>().size() == std::size_t(i + 1));
  }
  CHECK(p.dialer.all<ping_failed>().empty());
}

TEST_CASE("a ping without an answer fails in time", "[libp2p][unit]") {
  test::pair p;
  p.pump();
  REQUIRE(p.dialer.link.ping(at(100)));
  p.dialer.link.take_output();
  REQUIRE(p.dialer.link.tick(at(10'100)));
  p.dialer.collect();
  CHECK(p.dialer.all<ping_failed>().size() == 1);
  CHECK(p.dialer.link.ping(at(10'200)));
}

TEST_CASE("a slow reader of one stream holds back its writer and not another stream",
          "[libp2p][unit]") {
  test::pair p({}, speaking({"/a"}));
  p.pump();
  auto slow = *p.dialer.link.open("/a"), quick = *p.dialer.link.open("/a");
  p.pump();
  auto big = test::numbered(1 << 20);
  auto taken = p.dialer.link.write(slow, big);
  CHECK(taken < big.size());
  p.pump();
  CHECK(p.dialer.link.send_window(slow) == 0);
  CHECK(p.dialer.link.write(quick, as_bytes("hello")) == 5);
  p.pump();
  CHECK(as_text(p.listener.data_of(quick)) == "hello");
  CHECK(p.dialer.all<stream_writable>().empty());
  p.listener.link.consume(slow, taken);
  p.pump();
  REQUIRE(p.dialer.all<stream_writable>().size() == 1);
  CHECK(p.dialer.link.write(slow, byte_view(big).subspan(taken)) > 0);
}

TEST_CASE("writing stops while the output is full and goes on once it is taken", "[libp2p][unit]") {
  connection_options options;
  options.output_size_max = 100'000;
  test::pair p(options, speaking({"/a"}));
  p.pump();
  auto id = *p.dialer.link.open("/a");
  p.pump();
  CHECK(p.dialer.link.write(id, bytes(200'000)) <= 100'000);
  CHECK(p.dialer.link.write(id, bytes(1)) == 0);
  CHECK(p.dialer.link.output_size() < 101'000);
  p.pump();
  CHECK(p.dialer.all<stream_writable>().size() == 1);
}

TEST_CASE("a peer that asks for ever more and reads nothing is cut off", "[libp2p][unit]") {
  test::end listener(role::listener, test::key_of(1), 1, {});
  auto peer = test::mux_with(listener);
  REQUIRE(peer);
  bytes pings;
  for (int i = 0; i < 1000; ++i)
    append(pings, encode(yamux_header{yamux_type::ping, yamux_syn, 0, 0}));
  result<void> r;
  for (int i = 0; i < 1000 && r; ++i) {
    peer->append(pings);
    r = listener.link.receive(peer->take(), at(2));
    REQUIRE(listener.link.output_size() < 3 << 20);
  }
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "output_full");
}

TEST_CASE("a peer that floods a ping stream is echoed or cut off, and opens no third one",
          "[libp2p][unit]") {
  test::end listener(role::listener, test::key_of(1), 1, {});
  auto peer = test::mux_with(listener);
  REQUIRE(peer);
  bytes hello;
  put_multistream_message(hello, multistream_protocol);
  put_multistream_message(hello, "/ipfs/ping/1.0.0");
  for (stream_id id : {1, 3, 5}) {
    peer->append(
        encode(yamux_header{yamux_type::data, yamux_syn, id, std::uint32_t(hello.size())}));
    peer->append(hello);
  }
  REQUIRE(listener.link.receive(peer->take(), at(2)));
  auto before = listener.link.output_size();
  bytes body(64'000);
  for (stream_id id : {1, 3, 5}) {
    peer->append(encode(yamux_header{yamux_type::data, 0, id, std::uint32_t(body.size())}));
    peer->append(body);
  }
  REQUIRE(listener.link.receive(peer->take(), at(2)));
  auto echoed = listener.link.output_size() - before;
  CHECK(echoed > 2 * body.size());
  CHECK(echoed < 2 * body.size() + 1000);
}

TEST_CASE("garbage instead of an opened connection's frames is refused", "[libp2p][unit]") {
  test::end listener(role::listener, test::key_of(1), 1, {});
  auto peer = test::mux_with(listener);
  REQUIRE(peer);
  CHECK(listener.link.receive(bytes(70'000, 0x5a), at(2)).error().code == "noise_decrypt");
  CHECK(listener.link.failure());
}

TEST_CASE("a pool's buffer comes back once the last slice of it is gone", "[libp2p][unit]") {
  auto pool = std::make_unique<buffer_pool>(100);
  auto first = pool->take();
  auto* memory = first->data();
  slice kept(first, *first);
  first.reset();
  auto second = pool->take();
  CHECK(second->data() != memory);
  kept = {};
  CHECK(pool->take()->data() == memory);
  pool.reset();
  CHECK(second->size() == 100); // outlives the pool
}

TEST_CASE("inbound streams past the limit are reset", "[libp2p][unit]") {
  auto options = speaking({"/a"});
  options.streams_max = 4;
  options.identify_peer = false;
  connection_options dialer_options;
  dialer_options.identify_peer = false;
  test::pair p(dialer_options, options);
  p.pump();
  for (int i = 0; i < 10; ++i) REQUIRE(p.dialer.link.open("/a"));
  p.pump();
  CHECK(p.dialer.all<stream_opened>().size() == 4);
  CHECK(p.dialer.all<stream_reset>().size() == 6);
  CHECK_FALSE(p.listener.failure);
}

TEST_CASE("a reset reaches the other side and a stream never negotiated is given up",
          "[libp2p][unit]") {
  test::pair p({}, speaking({"/a"}));
  p.pump();
  auto id = *p.dialer.link.open("/a");
  p.pump();
  p.dialer.link.reset(id);
  p.pump();
  REQUIRE(p.listener.all<stream_reset>().size() == 1);
  CHECK(p.listener.all<stream_reset>()[0].why.code == "stream_reset");
  p.dialer.events.clear();
  REQUIRE(p.dialer.link.open("/a"));
  p.dialer.link.take_output(); // lost
  REQUIRE(p.dialer.link.tick(at(10'001)));
  p.dialer.collect();
  REQUIRE(p.dialer.all<stream_reset>().size() == 1);
  CHECK(p.dialer.all<stream_reset>()[0].why.code == "negotiation_timeout");
}

TEST_CASE("after a shutdown the peer opens nothing more", "[libp2p][unit]") {
  test::pair p({}, speaking({"/a"}));
  p.pump();
  p.listener.link.shutdown();
  p.pump();
  REQUIRE(p.dialer.all<going_away>().size() == 1);
  CHECK(p.dialer.link.open("/a").error().code == "going_away");
}

TEST_CASE("a silent peer is noticed by keepalive", "[libp2p][unit]") {
  test::pair p;
  p.pump();
  REQUIRE(p.dialer.link.tick(at(31'000)));
  CHECK_FALSE(p.dialer.link.take_output().empty());
  auto r = p.dialer.link.tick(at(62'000));
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "keepalive_timeout");
}
