// WebSockets in a simulated world: RFC 6455 frames made by hand against the server.
#include "runtime/net/http_test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;
using namespace kith::net::test;

namespace {

const std::string key = "dGhlIHNhbXBsZSBub25jZQ=="; // of RFC 6455 section 1.3
const std::string handshake = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n"
                              "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: " +
                              key + "\r\nSec-WebSocket-Version: 13\r\n\r\n";

// A client's frame (section 5.2): masked, unless told otherwise.
std::string frame(int opcode, const std::string& payload, bool fin = true, bool masked = true) {
  std::string out(1, char((fin ? 0x80 : 0) | opcode));
  const char mask_bit = masked ? char(0x80) : char(0);
  if (payload.size() < 126) {
    out += char(mask_bit | char(payload.size()));
  } else if (payload.size() < 65536) {
    out += char(mask_bit | 126);
    out += char(payload.size() >> 8);
    out += char(payload.size());
  } else {
    out += char(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += char(std::uint64_t(payload.size()) >> shift);
  }
  if (!masked) return out + payload;
  const std::string mask = "\x12\x34\x56\x78";
  out += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) out += char(payload[i] ^ mask[i % 4]);
  return out;
}
constexpr int continued = 0, text = 1, binary = 2, close_frame = 8, ping = 9, pong = 10;

std::string closing(int code, const std::string& reason = {}) {
  return std::string{char(code >> 8), char(code)} + reason;
}

struct got_frame {
  int opcode;
  std::string payload;
  bool operator==(const got_frame&) const = default;
};

// A server's frames: whole, not masked, after the head of its answer.
std::vector<got_frame> frames_in(const std::string& got) {
  std::vector<got_frame> out;
  std::size_t at = got.find("\r\n\r\n");
  if (at == got.npos) return out;
  at += 4;
  const auto byte = [&](std::size_t i) { return std::size_t(std::uint8_t(got[i])); };
  while (at + 2 <= got.size()) {
    const int opcode = int(byte(at) & 15);
    CHECK((byte(at) & 0xf0) == 0x80);
    std::size_t size = byte(at + 1), head = 2;
    CHECK(size < 128);
    if (size == 126) {
      if (at + 4 > got.size()) break;
      size = byte(at + 2) << 8 | byte(at + 3);
      head = 4;
    } else if (size == 127) {
      if (at + 10 > got.size()) break;
      size = 0;
      for (std::size_t i = 2; i < 10; ++i) size = size << 8 | byte(at + i);
      head = 10;
    }
    if (at + head + size > got.size()) break;
    out.push_back({opcode, got.substr(at + head, size)});
    at += head + size;
  }
  return out;
}

int close_code_in(const std::string& got) {
  for (const auto& f : frames_in(got))
    if (f.opcode == close_frame && f.payload.size() >= 2)
      return int(std::uint8_t(f.payload[0])) << 8 | int(std::uint8_t(f.payload[1]));
  return 0;
}

struct ws_world : world {
  explicit ws_world(websocket_options wo = {}, http_options o = {}) : world(std::move(o)) {
    handler = [this, wo](http_request, http_responder responder) {
      wanted = responder.wants_upgrade();
      auto s = responder.upgrade(wo);
      if (!s) return void(failed = s.error().code);
      socket = *s;
      socket->on_drained([this] { ++drained; });
      socket->on_closed([this](const error& e) {
        end += e.code;
        context = e.context;
      });
      if (listens) listen();
    };
  }
  void listen() {
    socket->on_message([this](websocket_kind kind, byte_view m) {
      messages.emplace_back(kind, as_text(m));
      if (echoes) socket->send(kind, m);
    });
  }
  client& open() {
    auto& c = ask(handshake);
    run();
    return c;
  }
  std::shared_ptr<websocket> socket;
  std::vector<std::pair<websocket_kind, std::string>> messages;
  bool wanted = false, listens = true, echoes = true;
  int drained = 0;
  std::string failed, end, context;
};

} // namespace

TEST_CASE("websocket answers the handshake of the RFC and echoes", "[net][vector]") {
  websocket_options o;
  o.protocol = "chat";
  ws_world w(o);
  auto& c = w.open();
  CHECK(w.wanted);
  REQUIRE(c.got.starts_with("HTTP/1.1 101 "));
  auto head = answers_in(c.got).at(0).headers;
  CHECK(head["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // section 1.3
  CHECK(lowered(head["upgrade"]) == "websocket");
  CHECK(lowered(head["connection"]) == "upgrade");
  CHECK(head["sec-websocket-protocol"] == "chat");
  CHECK(head.count("sec-websocket-extensions") == 0);
  CHECK(w.server->counts().websockets == 1);
  CHECK(w.server->counts().streams == 0);
  c.send(frame(text, "Hello"));
  c.send(frame(binary, std::string("\0\xff", 2)));
  c.send(frame(text, ""));
  c.send(frame(text, std::string(200, 'a')));
  c.send(frame(binary, std::string(100'000, 'b')));
  w.run();
  const auto frames = frames_in(c.got);
  REQUIRE(frames.size() == 5);
  CHECK(frames[0] == got_frame{text, "Hello"});
  CHECK(frames[1] == got_frame{binary, std::string("\0\xff", 2)});
  CHECK(frames[2] == got_frame{text, ""});
  CHECK(frames[3] == got_frame{text, std::string(200, 'a')});
  CHECK(frames[4] == got_frame{binary, std::string(100'000, 'b')});
  CHECK(w.socket->unsent() == 0);
  c.send(frame(close_frame, closing(1000, "bye")));
  w.run();
  CHECK(close_code_in(c.got) == 1000);
  CHECK(c.over());
  CHECK(w.end == "closed");
  CHECK(w.context == "1000 bye");
  CHECK_FALSE(w.socket->send_text("late"));
  CHECK(w.server->counts().websockets == 0);
}

TEST_CASE("websocket takes frames that come together with the handshake, or in bytes",
          "[net][unit]") {
  ws_world w;
  auto& c = w.ask(handshake + frame(text, "early"));
  w.run();
  CHECK(frames_in(c.got) == std::vector<got_frame>{{text, "early"}});
  auto& d = w.connect();
  for (const char byte : handshake + frame(text, "slow")) {
    d.send(std::string(1, byte));
    w.run(5ms);
  }
  w.run();
  CHECK(frames_in(d.got) == std::vector<got_frame>{{text, "slow"}});
}

TEST_CASE("websocket puts fragments together, with control frames between them", "[net][unit]") {
  ws_world w;
  auto& c = w.open();
  c.send(frame(text, "a", false) + frame(ping, "p") + frame(continued, "b", false) +
         frame(pong, "?") + frame(continued, "c"));
  w.run();
  CHECK(w.messages ==
        std::vector<std::pair<websocket_kind, std::string>>{{websocket_kind::text, "abc"}});
  CHECK(frames_in(c.got) == std::vector<got_frame>{{pong, "p"}, {text, "abc"}});
}

TEST_CASE("websocket ends a connection that breaks the protocol", "[net][unit]") {
  struct row {
    const char* what;
    std::string bytes;
    int code;
  };
  const row rows[] = {
      {"no mask", frame(text, "a", true, false), 1002},
      {"continuation of nothing", frame(continued, "a"), 1002},
      {"a message within a message", frame(text, "a", false) + frame(text, "b"), 1002},
      {"reserved opcode", frame(3, "a"), 1002},
      {"reserved bit", "\xc1\x81" + std::string("\x12\x34\x56\x78 ", 5), 1002},
      {"fragmented ping", frame(ping, "a", false), 1002},
      {"long ping", frame(ping, std::string(126, 'a')), 1002},
      {"text that is not UTF-8", frame(text, "\xff"), 1007},
      {"close with one byte", frame(close_frame, "a"), 1002},
      {"close with a bad code", frame(close_frame, closing(1005)), 1002},
      {"close that is not UTF-8", frame(close_frame, closing(1000, "\xff")), 1002},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    ws_world w;
    auto& c = w.open();
    c.send(row.bytes);
    w.run();
    CHECK(w.messages.empty());
    CHECK(close_code_in(c.got) == row.code);
    CHECK(c.over());
    CHECK(w.end == "bad_frame");
    CHECK(w.server->counts().connections == 0);
  }
}

TEST_CASE("websocket refuses a message past its limit, in one piece or many", "[net][unit]") {
  websocket_options o;
  o.message_size_max = 1000;
  for (const bool pieces : {false, true}) {
    ws_world w(o);
    auto& c = w.open();
    c.send(frame(text, std::string(1000, 'a')));
    w.run();
    CHECK(w.messages.size() == 1);
    if (pieces)
      c.send(frame(text, std::string(900, 'a'), false) + frame(continued, std::string(101, 'a')));
    else
      c.send(frame(text, std::string(1001, 'a')));
    w.run();
    CHECK(w.messages.size() == 1);
    CHECK(close_code_in(c.got) == 1009);
    CHECK(w.end == "message_too_large");
    CHECK(c.over());
  }
}

TEST_CASE("websocket closes with the code and reason it is given", "[net][unit]") {
  ws_world w;
  auto& c = w.open();
  w.socket->send_text("last");
  w.socket->close(4001, "enough");
  CHECK_FALSE(w.socket->send_text("late"));
  w.run();
  CHECK(frames_in(c.got) ==
        std::vector<got_frame>{{text, "last"}, {close_frame, closing(4001, "enough")}});
  CHECK(w.end.empty());
  SECTION("and the peer answers") {
    c.send(frame(close_frame, closing(4001)));
    w.run();
    CHECK(c.over());
  }
  SECTION("and the peer does not answer") {
    w.run(6s);
    CHECK(c.over());
  }
  w.run(6s);
  CHECK(w.end == "closed");
  CHECK(w.server->counts().connections == 0);
}

TEST_CASE("websocket that nobody holds is closed", "[net][unit]") {
  ws_world w;
  w.listens = false; // whoever listens through it holds it
  auto& c = w.open();
  w.socket.reset();
  w.run();
  CHECK(close_code_in(c.got) == 1000);
  c.send(frame(close_frame, closing(1000)));
  w.run();
  CHECK(c.over());
  CHECK(w.server->counts().websockets == 0);
}

TEST_CASE("websocket cuts a reason that does not fit, between characters", "[net][unit]") {
  ws_world w;
  auto& c = w.open();
  std::string reason(122, 'a');
  w.socket->close(1000, reason + "\xc3\xa4");
  w.run();
  CHECK(frames_in(c.got) == std::vector<got_frame>{{close_frame, closing(1000, reason)}});
}

TEST_CASE("websocket pings a silent peer and gives it up", "[net][unit]") {
  ws_world w;
  auto& c = w.open();
  w.run(31s);
  REQUIRE(frames_in(c.got) == std::vector<got_frame>{{ping, ""}});
  SECTION("unless it answers") {
    c.send(frame(pong, ""));
    w.run(29s);
    CHECK(frames_in(c.got).size() == 1);
    w.run(3s);
    CHECK(frames_in(c.got).size() == 2);
    c.send(frame(pong, ""));
    w.run();
    CHECK(w.end.empty());
  }
  SECTION("after as long again") {
    w.run(31s);
    CHECK(w.end == "ping_timeout");
    CHECK(c.over());
  }
}

TEST_CASE("websocket ends when nothing is said for too long", "[net][unit]") {
  websocket_options o;
  o.idle_time_max = 10s;
  ws_world w(o);
  auto& c = w.open();
  w.run(9s);
  c.send(frame(text, "still here"));
  w.run(9s);
  CHECK(close_code_in(c.got) == 0);
  w.run(2s);
  CHECK(close_code_in(c.got) == 1000);
  w.run(6s);
  CHECK(w.end == "idle_timeout");
}

TEST_CASE("websocket takes no more than its bound for a peer that does not read", "[net][unit]") {
  http_options o;
  o.stream_unsent_max = 100'000;
  ws_world w({}, o);
  auto& c = w.connect("client", false);
  c.send(handshake);
  w.run();
  REQUIRE(w.socket);
  const std::string block(30'000, 'b');
  std::size_t taken = 0;
  while (w.socket->send_text(block)) {
    ++taken;
    REQUIRE(taken < 100);
    w.run(10ms);
  }
  CHECK(taken >= 8);
  CHECK(taken <= (256 * 1024 + 100'000) / 30'000 + 2);
  CHECK(w.drained == 0);
  SECTION("until it reads again") {
    c.stream->resume_reading();
    w.run(1s);
    CHECK(w.drained == 1);
    CHECK(w.socket->unsent() == 0);
    CHECK(frames_in(c.got).size() == taken);
    CHECK(w.socket->send_binary(as_bytes(std::string(500'000, 'c'))));
    w.run(1s);
    CHECK(frames_in(c.got).back().payload.size() == 500'000);
  }
  SECTION("and does not read from it for ever either") {
    // Pings whose pongs are not taken, many more than may wait here.
    std::string pings;
    for (int i = 0; i < 20'000; ++i) pings += frame(ping, std::string(100, 'p'));
    c.send(pings);
    w.run(10s);
    CHECK(c.stream->unsent() > pings.size() - 700'000);
    w.run(25s);
    CHECK(w.end == "send_stalled");
  }
}

TEST_CASE("websocket holds messages back until somebody listens", "[net][unit]") {
  ws_world w;
  w.listens = false;
  auto& c = w.open();
  c.send(frame(text, "1") + frame(text, "2"));
  w.run();
  CHECK(w.messages.empty());
  w.listen();
  w.run();
  CHECK(w.messages.size() == 2);
  CHECK(frames_in(c.got).size() == 2);
}

TEST_CASE("websocket tells that the peer went away, or the server stops", "[net][unit]") {
  ws_world w;
  auto& c = w.open();
  SECTION("without a close frame") {
    c.stream->close();
    w.run();
    CHECK(w.end == "closed_by_peer");
  }
  SECTION("by a reset") {
    w.net.drop_connections("client", "server");
    w.run();
    CHECK(w.end == "connection_reset");
  }
  SECTION("drained") {
    int done = 0;
    w.server->drain(30s, [&] { ++done; });
    w.run();
    CHECK(close_code_in(c.got) == 1001);
    c.send(frame(close_frame, closing(1001)));
    w.run();
    CHECK(w.end == "draining");
    CHECK(done == 1);
  }
  SECTION("the server is gone") {
    w.port.reset();
    w.server.reset();
    w.run();
    CHECK(w.end == "server_gone");
    CHECK_FALSE(w.socket->send_text("x"));
  }
  CHECK((!w.server || w.server->counts().websockets == 0));
}

TEST_CASE("websocket handlers may destroy the server", "[net][unit]") {
  ws_world w;
  w.listens = false;
  w.open();
  w.socket->on_message([&](websocket_kind, byte_view) { w.server.reset(); });
  w.clients[0].send(frame(text, "1") + frame(text, "2"));
  w.run();
  CHECK(w.end == "server_gone");
  CHECK(w.clients[0].over());
}

TEST_CASE("upgrade is refused to a request that is no handshake", "[net][unit]") {
  const auto without = [](const std::string& part, const std::string& other = {}) {
    auto r = handshake;
    return r.replace(r.find(part), part.size(), other);
  };
  const std::string rows[] = {
      get("/"),
      without("Upgrade: WebSocket\r\n"),
      without("Upgrade: WebSocket", "Upgrade: h2c"),
      without(", Upgrade"),
      without("Version: 13", "Version: 8"),
      without("Sec-WebSocket-Version: 13\r\n"),
      without(key, "c2hvcnQ="),
      without(key, "!!!!!!!!!!!!!!!!!!!!!!=="),
      without("\r\n\r\n", "\r\nSec-WebSocket-Key: " + key + "\r\n\r\n"),
      without("GET", "POST"),
  };
  for (const auto& request : rows) {
    INFO(request);
    ws_world w;
    auto& c = w.ask(request);
    w.run();
    CHECK_FALSE(w.wanted);
    CHECK(w.failed == "no_upgrade");
    REQUIRE(c.answers().size() == 1);
    CHECK(c.answers()[0].status == 426);
    CHECK(c.answers()[0].headers.at("upgrade") == "websocket");
  }
  http_options o;
  o.streams_max = 0;
  ws_world w({}, o);
  auto& c = w.ask(handshake);
  w.run();
  CHECK(w.failed == "too_many_streams");
  CHECK(c.answers().at(0).status == 503);
}
