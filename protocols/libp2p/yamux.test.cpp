// Yamux: frames as specified, windows that push back, and peers that break the rules.
#include "protocols/libp2p/yamux.hpp"

#include "protocols/libp2p/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::libp2p;
using test::numbered;
using kind = yamux_event::kind;

namespace {

time_point at(int ms) { return time_point(std::chrono::milliseconds(ms + 1'000'000)); }

// Two sessions and the bytes between them.
struct pair_of_sessions {
  explicit pair_of_sessions(yamux_limits limits = {})
      : dialer(role::dialer, limits, dialer_out, at(0)),
        listener(role::listener, limits, listener_out, at(0)) {}

  // Until nothing moves any more.
  void pump(time_point now = at(1)) {
    while (!dialer_out.data.empty() || !listener_out.data.empty()) {
      REQUIRE(listener.receive(slice(dialer_out.take()), now, listener_events));
      dialer.output_taken(dialer_events);
      REQUIRE(dialer.receive(slice(listener_out.take()), now, dialer_events));
      listener.output_taken(listener_events);
    }
  }
  static bytes data_of(const std::vector<yamux_event>& events, stream_id id) {
    bytes out;
    for (auto& e : events)
      if (e.what == kind::data && e.stream == id) append(out, e.data);
    return out;
  }
  static int count(const std::vector<yamux_event>& events, kind what) {
    return int(
        std::count_if(events.begin(), events.end(), [&](auto& e) { return e.what == what; }));
  }

  test::plain_sink dialer_out, listener_out;
  yamux_session dialer, listener;
  std::vector<yamux_event> dialer_events, listener_events;
};

bytes frame(yamux_header h, byte_view payload = {}) {
  auto header = encode(h);
  bytes out(header.begin(), header.end());
  append(out, payload);
  return out;
}
bytes frame(yamux_type type, std::uint16_t flags, stream_id id, std::uint32_t length,
            byte_view payload = {}) {
  return frame(yamux_header{type, flags, id, length}, payload);
}

// A listener that has heard `frames`.
struct lone_listener {
  explicit lone_listener(yamux_limits limits = {}) : session(role::listener, limits, out, at(0)) {
    out.take();
  }
  result<void> hear(const bytes& b, time_point now = at(1)) {
    return session.receive(slice(b), now, events);
  }
  std::string error_after(const bytes& b) {
    auto r = hear(b);
    return r ? "" : r.error().code;
  }
  test::plain_sink out;
  yamux_session session;
  std::vector<yamux_event> events;
};

} // namespace

TEST_CASE("a yamux header is twelve bytes in network order", "[libp2p][vector]") {
  CHECK(to_hex(encode({yamux_type::window_update, yamux_syn | yamux_fin, 0x01020304,
                       0x00040000})) == "000100050102030400040000");
  auto h = decode_yamux_header(*from_hex("000000020000000700010000"));
  REQUIRE(h);
  CHECK(h->type == yamux_type::data);
  CHECK(h->flags == yamux_ack);
  CHECK(h->stream == 7);
  CHECK(h->length == 65536);
}

TEST_CASE("yamux headers that break the specification are refused", "[libp2p][unit]") {
  for (auto bad :
       {"010000000000000100000000", "000400000000000100000000", "000000100000000100000000",
        "000000000000000000000000", "000200010000000100000000", "000300000000000100000000", "0000"})
    CHECK_FALSE(decode_yamux_header(*from_hex(bad)));
}

TEST_CASE("yamux carries data both ways and closes a stream when both sides have",
          "[libp2p][unit]") {
  pair_of_sessions p;
  auto id = p.dialer.open();
  REQUIRE(id);
  CHECK(*id == 1);
  CHECK(p.dialer.write(*id, as_bytes("question")) == 8);
  p.pump();
  CHECK(p.count(p.listener_events, kind::opened) == 1);
  CHECK(as_text(p.data_of(p.listener_events, 1)) == "question");
  CHECK_FALSE(p.dialer.close_write(1));
  CHECK(p.dialer.write(1, as_bytes("late")) == 0);
  p.pump();
  CHECK(p.count(p.listener_events, kind::finished) == 1);
  CHECK(p.listener.write(1, as_bytes("answer")) == 6);
  CHECK(p.listener.close_write(1)); // now both have
  p.pump();
  CHECK(as_text(p.data_of(p.dialer_events, 1)) == "answer");
  CHECK(p.count(p.dialer_events, kind::closed) == 1);
  CHECK(p.dialer.stream_count() == 0);
  CHECK(p.listener.stream_count() == 0);
  CHECK(*p.listener.open() == 2);
}

TEST_CASE("yamux reads the same from pieces of any size", "[libp2p][property]") {
  auto body = numbered(5000);
  bytes all = frame(yamux_type::window_update, yamux_syn, 1, 0);
  append(all, frame(yamux_type::data, 0, 1, 5000, body));
  append(all, frame(yamux_type::data, yamux_fin, 1, 3, as_bytes("end")));
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    lone_listener l;
    seeded_random random(seed);
    test::in_pieces(all, 1 + seed * 3, random,
                    [&](byte_view in) { REQUIRE(l.hear(to_bytes(in))); });
    auto expected = body;
    append(expected, as_bytes("end"));
    CHECK(pair_of_sessions::data_of(l.events, 1) == expected);
    CHECK(l.events.back().what == kind::finished);
  }
}

TEST_CASE("a yamux writer stops at the window and goes on when the reader has consumed",
          "[libp2p][unit]") {
  pair_of_sessions p;
  auto id = *p.dialer.open();
  auto body = numbered(yamux_window_initial + 100'000);
  auto taken = p.dialer.write(id, body);
  CHECK(taken == yamux_window_initial);
  p.pump();
  CHECK(p.dialer.write(id, byte_view(body).subspan(taken)) == 0); // nothing was consumed: no credit
  CHECK(p.count(p.dialer_events, kind::writable) == 0);
  p.listener.consume(id, 1000); // too little to be worth a frame
  p.pump();
  CHECK(p.dialer.send_window(id) == 0);
  p.listener.consume(id, yamux_window_initial - 1000);
  p.pump();
  CHECK(p.count(p.dialer_events, kind::writable) == 1);
  CHECK(p.dialer.write(id, byte_view(body).subspan(taken)) == 100'000);
  p.pump();
  CHECK(p.data_of(p.listener_events, id) == body);
}

TEST_CASE("one yamux stream whose reader sleeps does not hold up another", "[libp2p][unit]") {
  pair_of_sessions p;
  auto slow = *p.dialer.open(), quick = *p.dialer.open();
  CHECK(p.dialer.write(slow, numbered(1 << 20)) == yamux_window_initial);
  for (int i = 0; i < 20; ++i) {
    CHECK(p.dialer.write(quick, numbered(100'000)) == 100'000);
    p.pump();
    p.listener.consume(quick, 100'000);
    p.pump();
  }
  CHECK(p.data_of(p.listener_events, quick).size() == 2'000'000);
}

TEST_CASE("a yamux window grows by quick consumption up to its limit and no further",
          "[libp2p][unit]") {
  yamux_limits limits;
  limits.window_size_max = 1 << 20;
  pair_of_sessions p(limits);
  auto id = *p.dialer.open();
  p.pump();
  for (int i = 0; i < 10; ++i) {
    auto n = p.dialer.write(id, bytes(8 << 20));
    p.pump();
    p.listener.consume(id, n);
    p.pump();
  }
  CHECK(p.listener.window_size(id) == 1 << 20);
  CHECK(p.dialer.send_window(id) == 1 << 20);
}

TEST_CASE("a yamux window consumed slowly stays as it is", "[libp2p][unit]") {
  pair_of_sessions p;
  auto id = *p.dialer.open();
  p.pump();
  for (int i = 1; i < 5; ++i) {
    auto n = p.dialer.write(id, bytes(8 << 20));
    p.pump(at(i * 1000));
    p.listener.consume(id, n);
    p.pump(at(i * 1000));
  }
  CHECK(p.listener.window_size(id) == yamux_window_initial);
}

TEST_CASE("yamux windows together stay within their sum", "[libp2p][unit]") {
  yamux_limits limits;
  limits.windows_size_max = 3 * yamux_window_initial;
  pair_of_sessions p(limits);
  std::vector<stream_id> ids{*p.dialer.open(), *p.dialer.open()};
  p.pump();
  for (int i = 0; i < 3; ++i)
    for (auto id : ids) {
      auto n = p.dialer.write(id, bytes(8 << 20));
      p.pump();
      p.listener.consume(id, n);
      p.pump();
    }
  CHECK(p.listener.window_size(ids[0]) == 2 * yamux_window_initial);
  CHECK(p.listener.window_size(ids[1]) == yamux_window_initial);
}

TEST_CASE("yamux writing stops when the output is full and says when it may go on",
          "[libp2p][unit]") {
  yamux_limits limits;
  limits.output_size_max = 100'000;
  pair_of_sessions p(limits);
  auto id = *p.dialer.open();
  auto taken = p.dialer.write(id, numbered(200'000));
  CHECK(taken < 100'000);
  CHECK(p.dialer.write(id, numbered(10)) == 0);
  CHECK(p.dialer.write_control(id, numbered(10)));
  p.pump();
  CHECK(p.count(p.dialer_events, kind::writable) == 1);
  CHECK(p.dialer.send_window(id) == 100'000);
}

TEST_CASE("yamux frames carry at most 64 KiB", "[libp2p][unit]") {
  pair_of_sessions p;
  auto id = *p.dialer.open();
  p.dialer_out.take();
  p.dialer.write(id, bytes(150'000));
  auto out = p.dialer_out.take();
  CHECK(get_u32(&out[8]) == yamux_frame_size_max);
  CHECK(out.size() == 150'000 + 3 * yamux_header_size);
}

TEST_CASE("yamux streams past the limit are reset and leave the rest alone", "[libp2p][unit]") {
  yamux_limits limits;
  limits.streams_max = 2;
  lone_listener l(limits);
  for (stream_id id : {1, 3, 5})
    REQUIRE(l.hear(frame(yamux_type::data, yamux_syn, id, 1, as_bytes("x"))));
  CHECK(l.session.stream_count() == 2);
  auto out = l.out.take();
  CHECK(equal(byte_view(out).last(12), encode({yamux_type::window_update, yamux_rst, 5, 0})));
  CHECK(pair_of_sessions::count(l.events, kind::data) == 2);
  auto r = l.session.open();
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "streams_max");
}

TEST_CASE("yamux holds back streams that the peer has not acknowledged", "[libp2p][unit]") {
  yamux_limits limits;
  limits.ack_backlog_max = 3;
  pair_of_sessions p(limits);
  for (int i = 0; i < 3; ++i) REQUIRE(p.dialer.open());
  auto r = p.dialer.open();
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "ack_backlog");
  p.pump();
  CHECK(p.dialer.open());
}

TEST_CASE("a yamux peer that breaks the rules is told to go away", "[libp2p][unit]") {
  auto syn = frame(yamux_type::window_update, yamux_syn, 1, 0);
  auto with = [&](bytes more) {
    auto b = syn;
    append(b, more);
    return b;
  };
  auto fin_then_data = with(frame(yamux_type::data, yamux_fin, 1, 0));
  append(fin_then_data, frame(yamux_type::data, 0, 1, 1, as_bytes("x")));
  auto overflow = with(frame(yamux_type::window_update, 0, 1, 0xffffffff));
  struct row {
    bytes frames;
    std::string code;
  } rows[] = {
      {with(frame(yamux_type::data, 0, 1, yamux_window_initial + 1)), "window_exceeded"},
      {with(frame(yamux_type::data, 0, 1, 0xffffffff)), "window_exceeded"},
      {overflow, "window_overflow"},
      {with(syn), "bad_yamux"},                                         // opened twice
      {frame(yamux_type::window_update, yamux_syn, 2, 0), "bad_yamux"}, // one of ours
      {frame(yamux_type::data, 0, 7, 0), "bad_yamux"},                  // never opened
      {fin_then_data, "bad_yamux"},
      {*from_hex("010000000000000100000000"), "bad_yamux"},
  };
  for (auto& row : rows) {
    lone_listener l;
    CHECK(l.error_after(row.frames) == row.code);
    auto out = l.out.take();
    CHECK(equal(byte_view(out).last(12), encode({yamux_type::go_away, 0, 0, 1})));
    CHECK_FALSE(l.hear(syn)); // dead
    CHECK_FALSE(l.session.open());
  }
}

TEST_CASE("a yamux peer may not spend its window twice", "[libp2p][unit]") {
  lone_listener l;
  REQUIRE(l.hear(
      frame(yamux_type::data, yamux_syn, 1, yamux_window_initial, bytes(yamux_window_initial))));
  CHECK(l.error_after(frame(yamux_type::data, 0, 1, 1, as_bytes("x"))) == "window_exceeded");
}

TEST_CASE("frames for a yamux stream that was reset here are dropped", "[libp2p][unit]") {
  lone_listener l;
  REQUIRE(l.hear(frame(yamux_type::data, yamux_syn, 1, 4, as_bytes("ab")))); // half of the payload
  l.session.reset(1);
  l.events.clear();
  REQUIRE(l.hear(to_bytes(as_bytes("cd"))));
  REQUIRE(l.hear(frame(yamux_type::data, 0, 1, 2, as_bytes("ef"))));
  REQUIRE(l.hear(frame(yamux_type::window_update, yamux_fin, 1, 9)));
  CHECK(l.events.empty());
}

TEST_CASE("a yamux reset ends the stream on the other side", "[libp2p][unit]") {
  pair_of_sessions p;
  auto id = *p.dialer.open();
  p.pump();
  p.listener.reset(id);
  p.pump();
  CHECK(p.count(p.dialer_events, kind::reset) == 1);
  CHECK(p.dialer.stream_count() == 0);
  CHECK(p.dialer.write(id, as_bytes("x")) == 0);
}

TEST_CASE("yamux answers pings, measures its own, and gives up on a silent peer",
          "[libp2p][unit]") {
  lone_listener l;
  REQUIRE(l.hear(frame(yamux_type::ping, yamux_syn, 0, 0xabcd)));
  CHECK(l.out.take() == frame(yamux_type::ping, yamux_ack, 0, 0xabcd));
  CHECK_FALSE(l.session.rtt());
  REQUIRE(l.hear(frame(yamux_type::ping, yamux_ack, 0, 99), at(3))); // not what was asked
  CHECK_FALSE(l.session.rtt());
  REQUIRE(l.hear(frame(yamux_type::ping, yamux_ack, 0, 1), at(5)));
  CHECK(l.session.rtt() == std::chrono::milliseconds(5));
  REQUIRE(l.session.tick(at(20'000)));
  CHECK(l.out.data.empty());
  REQUIRE(l.session.tick(at(31'000)));
  CHECK(l.out.take() == frame(yamux_type::ping, yamux_syn, 0, 2));
  REQUIRE(l.session.tick(at(60'000)));
  auto r = l.session.tick(at(61'000));
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "keepalive_timeout");
}

TEST_CASE("after yamux go away no stream is opened either way", "[libp2p][unit]") {
  pair_of_sessions p;
  auto id = *p.dialer.open();
  p.pump();
  p.listener.go_away(yamux_code::normal);
  p.pump();
  REQUIRE(p.count(p.dialer_events, kind::going_away) == 1);
  CHECK(p.dialer_events.back().code == 0);
  CHECK_FALSE(p.dialer.open());
  CHECK(p.dialer.write(id, as_bytes("still")) == 5); // what is open may end in peace
  p.pump();
  CHECK(as_text(p.data_of(p.listener_events, id)) == "still");
}
