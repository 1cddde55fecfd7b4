// TLS streams over real sockets and over the simulated network: what they promise, and what they
// refuse.
#include "runtime/base/random.hpp"
#include "runtime/net/tls_test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;
using namespace kith::net::test;
using namespace std::chrono_literals;

namespace {

bytes pattern(std::size_t size) {
  bytes out(size);
  seeded_random(size).fill(out);
  return out;
}

struct parties {
  authority ca;
  std::unique_ptr<tls_server_context> serves = serve(ca.issue({"node.example"}, {"192.0.2.7"}));
  std::unique_ptr<tls_client_context> trusts = ca.trust();
  std::string host = "node.example";
};

// A client and a server of TLS, not started; `client_below` and `server_below` are what lies under
// them.
template <class World> struct secured {
  World world;
  std::unique_ptr<listener> port;
  talker client, server;
  byte_stream *client_below = nullptr, *server_below = nullptr;

  explicit secured(const parties& p, duration handshake_max = tls_stream::handshake_time_max) {
    world.on_reactor([&] {
      port = world.network()
                 .listen("127.0.0.1:0",
                         [this, &p, handshake_max](std::unique_ptr<byte_stream> s) {
                           server_below = s.get();
                           server.stream = tls_stream::accept(world.reactor(), *p.serves,
                                                              std::move(s), handshake_max);
                           world.changed();
                         })
                 .value();
      world.network().connect(port->local_address(), 30s, [this, &p, handshake_max](auto s) {
        REQUIRE(s);
        client_below = s->get();
        client.stream = tls_stream::dial(world.reactor(), *p.trusts, std::move(*s), p.host, today,
                                         handshake_max);
        world.changed();
      });
    });
    REQUIRE(world.wait([this] { return client.stream && server.stream; }));
  }
  ~secured() {
    world.on_reactor([&] {
      client.stream.reset();
      server.stream.reset();
      port.reset();
    });
  }
  void start() {
    world.on_reactor([&] {
      server.start(world);
      client.start(world);
    });
  }
  std::optional<tls_session> session_of(talker& t) {
    std::optional<tls_session> out;
    world.on_reactor([&] { out = static_cast<tls_stream&>(*t.stream).session(); });
    return out;
  }
  bool wait_for_ends() {
    return world.wait([this] { return client.closed > 0 && server.closed > 0; });
  }
};

// A TLS stream on one side and a test's own bytes on the other.
struct half_secured {
  made_up_world world;
  std::unique_ptr<listener> port;
  talker tls, raw;

  half_secured(const parties& p, bool tls_serves) {
    port = world.network()
               .listen("127.0.0.1:0",
                       [&, tls_serves](std::unique_ptr<byte_stream> s) {
                         tls_serves ? take(p, std::move(s), true) : void(raw.stream = std::move(s));
                       })
               .value();
    world.network().connect(port->local_address(), 30s, [&, tls_serves](auto s) {
      tls_serves ? void(raw.stream = std::move(*s)) : take(p, std::move(*s), false);
    });
    REQUIRE(world.wait([this] { return tls.stream && raw.stream; }));
    tls.start(world);
  }
  void take(const parties& p, std::unique_ptr<byte_stream> s, bool serves) {
    tls.stream = serves ? tls_stream::accept(world.reactor(), *p.serves, std::move(s))
                        : tls_stream::dial(world.reactor(), *p.trusts, std::move(s), p.host, today);
  }
  void send(std::string_view text) { raw.stream->write(to_bytes(as_bytes(text))); }
};

} // namespace

#define BOTH_WORLDS real_world, made_up_world

TEMPLATE_TEST_CASE("client and server agree on TLS 1.3 and bytes go both ways", "[net][unit]",
                   BOTH_WORLDS) {
  const parties p;
  secured<TestType> c(p);
  CHECK_FALSE(c.session_of(c.client));
  c.start();
  c.world.on_reactor([&] {
    c.client.stream->write(to_bytes(as_bytes("question")));
    c.server.stream->write(to_bytes(as_bytes("answer")));
  });
  CHECK(c.world.wait([&] { return c.client.got.size() == 6 && c.server.got.size() == 8; }));
  CHECK(c.client.text() == "answer");
  CHECK(c.server.text() == "question");
  for (talker* t : {&c.client, &c.server}) {
    const auto s = c.session_of(*t);
    REQUIRE(s);
    CHECK(s->version == "TLSv1.3");
    CHECK(s->protocol == "http/1.1");
    CHECK(s->server_name == "node.example");
    CHECK(s->cipher.starts_with("TLS_"));
  }
}

TEMPLATE_TEST_CASE(
    "16 MiB go each way at once while both readers pause and the queues stay bounded",
    "[net][unit]", BOTH_WORLDS) {
  constexpr std::size_t unsent_max = 512 * 1024, piece = 128 * 1024;
  const parties p;
  secured<TestType> c(p);
  const bytes sent = pattern(16 << 20);
  struct way {
    std::size_t written = 0, read_since_pause = 0, most_unsent = 0;
    bool wrong = false;
  };
  way ways[2];
  talker* const ends[2] = {&c.client, &c.server};
  std::size_t got[2] = {0, 0};
  const auto pump = [&](int i) {
    byte_stream& out = *ends[i]->stream;
    while (ways[i].written < sent.size() && out.unsent() < unsent_max) {
      out.write(to_bytes(byte_view(sent).subspan(ways[i].written, piece)));
      ways[i].written += piece;
      ways[i].most_unsent = std::max(ways[i].most_unsent, out.unsent());
    }
  };
  c.world.on_reactor([&] {
    for (const int i : {0, 1}) {
      ends[i]->stream->start(
          {[&, i](byte_view b) {
             ways[i].wrong |= !equal(b, byte_view(sent).subspan(got[i], b.size()));
             got[i] += b.size();
             ways[i].read_since_pause += b.size();
             if (ways[i].read_since_pause > 1 << 20) {
               ways[i].read_since_pause = 0;
               ends[i]->stream->pause_reading();
               c.world.reactor().after(5ms, [&, i] { ends[i]->stream->resume_reading(); });
             }
             c.world.changed();
           },
           [&, i] { pump(i); }, [&, i](const error& e) { ends[i]->code = e.code; }});
      pump(i);
    }
  });
  CHECK(c.world.wait([&] { return got[0] == sent.size() && got[1] == sent.size(); }));
  for (const int i : {0, 1}) {
    CHECK(ways[i].written == sent.size());
    CHECK_FALSE(ways[i].wrong);
    CHECK(ways[i].most_unsent < unsent_max + 2 * piece);
    CHECK(ends[i]->code.empty());
  }
}

TEMPLATE_TEST_CASE("a paused TLS stream gives its owner nothing and makes the writer wait",
                   "[net][unit]", BOTH_WORLDS) {
  const parties p;
  secured<TestType> c(p);
  c.world.on_reactor([&] {
    c.server.start(c.world);
    c.server.stream->pause_reading(); // before the handshake, which goes on
    c.client.start(c.world);
  });
  CHECK(c.world.wait([&] { return c.server.stream && c.client.drained == 0; }));
  const bytes block = pattern(16 << 20);
  c.world.on_reactor([&] { c.client.stream->write(block); });
  // A second connection's bytes come while the first one's do not.
  secured<TestType> other(p);
  other.start();
  other.world.on_reactor([&] { other.client.stream->write(bytes(1)); });
  CHECK(other.world.wait([&] { return !other.server.got.empty(); }));
  c.world.on_reactor([&] {
    CHECK(c.server.got.empty());
    CHECK(c.client.stream->unsent() > byte_stream::low_water);
    c.server.stream->resume_reading();
  });
  CHECK(c.world.wait([&] { return c.server.got.size() == block.size() && c.client.drained > 0; }));
  CHECK(c.server.got == block);
}

TEMPLATE_TEST_CASE("what is written before the handshake waits, is counted and arrives",
                   "[net][unit]", BOTH_WORLDS) {
  const parties p;
  secured<TestType> c(p);
  const bytes block = pattern(100'000);
  c.world.on_reactor([&] {
    c.client.stream->write(block);
    CHECK(c.client.stream->unsent() == block.size());
    c.client.start(c.world);
    c.server.start(c.world);
  });
  CHECK(c.world.wait([&] { return c.server.got.size() == block.size() && c.client.drained > 0; }));
  CHECK(c.server.got == block);
  c.world.on_reactor([&] { CHECK(c.client.stream->unsent() == 0); });
}

TEMPLATE_TEST_CASE("closing sends all that was written, and both sides see an orderly end",
                   "[net][unit]", BOTH_WORLDS) {
  const parties p;
  const bytes block = pattern(3 << 20);
  for (const bool client_closes : {true, false}) {
    secured<TestType> c(p);
    talker& closing = client_closes ? c.client : c.server;
    talker& other = client_closes ? c.server : c.client;
    c.start();
    c.world.on_reactor([&] {
      closing.stream->write(block);
      closing.stream->close(); // before the handshake is done
      closing.stream->write(bytes(5));
    });
    CHECK(c.wait_for_ends());
    CHECK(other.got == block);
    CHECK(closing.code == "closed");
    CHECK(other.code == "closed_by_peer");
    CHECK(c.client.closed == 1);
    CHECK(c.server.closed == 1);
  }
}

TEMPLATE_TEST_CASE("an end without close_notify is not an orderly one", "[net][unit]",
                   BOTH_WORLDS) {
  const parties p;
  for (const bool client_cuts : {true, false}) {
    secured<TestType> c(p);
    talker& victim = client_cuts ? c.server : c.client;
    c.start();
    c.world.on_reactor([&] {
      c.client.stream->write(bytes(10));
      c.server.stream->write(bytes(10));
    });
    CHECK(c.world.wait([&] { return c.client.got.size() == 10 && c.server.got.size() == 10; }));
    c.world.on_reactor([&] { (client_cuts ? c.client_below : c.server_below)->close(); });
    CHECK(c.world.wait([&] { return victim.closed > 0; }));
    CHECK(victim.code == "tls_truncated");
  }
}

TEMPLATE_TEST_CASE("a TLS stream may be destroyed from any of its handlers", "[net][unit]",
                   BOTH_WORLDS) {
  const parties p;
  for (const int which : {0, 1, 2}) {
    secured<TestType> c(p);
    bool destroyed = false;
    const auto destroy = [&] {
      c.client.stream.reset();
      destroyed = true;
      c.world.changed();
    };
    c.world.on_reactor([&] {
      c.server.start(c.world);
      c.client.stream->start({[&](byte_view) { destroy(); },
                              [&] {
                                if (which == 1) destroy();
                              },
                              [&](const error&) { destroy(); }});
      c.client.stream->write(bytes(1000)); // waits, so that on_drained comes
      if (which == 0) c.server.stream->write(bytes(100'000));
      if (which == 2) c.server.stream->close();
    });
    CHECK(c.world.wait([&] { return destroyed; }));
  }
}

TEST_CASE("a certificate that does not hold is refused, and both sides are told why",
          "[net][unit]") {
  const authority ca, other("Another root");
  struct wrong {
    tls_certificate leaf;
    std::string host, why;
  };
  std::vector<wrong> all;
  all.push_back({ca.issue({"node.example"}, {}, today - 9 * day, today - day), "node.example",
                 "certificate has expired"});
  all.push_back({ca.issue({"node.example"}, {}, today + day, today + 9 * day), "node.example",
                 "certificate is not yet valid"});
  all.push_back({ca.issue({"node.example"}), "evil.example", "hostname mismatch"});
  all.push_back({ca.issue({"node.example"}), "sub.node.example", "hostname mismatch"});
  all.push_back({ca.issue({"*.example"}), "a.b.example", "hostname mismatch"});
  all.push_back({ca.issue({"n*.example"}), "node.example", "hostname mismatch"});
  all.push_back({ca.issue({"192.0.2.7"}), "192.0.2.7", "IP address mismatch"}); // a name only
  all.push_back({ca.issue({"node.example"}, {"192.0.2.7"}), "192.0.2.8", "IP address mismatch"});
  all.push_back({ca.issue({}, {"2001:db8::1"}), "2001:db8::2", "IP address mismatch"});
  all.push_back({ca.issue({}), "leaf", "hostname mismatch"}); // the common name says nothing
  all.push_back({other.issue({"node.example"}), "node.example", "unable to get local issuer"});
  all.push_back(
      {make_certificate(
           {.name = "alone", .dns = {"node.example"}, .from = today - day, .until = today + day}),
       "node.example", "self-signed certificate"});
  for (const wrong& w : all) {
    parties p;
    p.serves = serve(w.leaf);
    p.trusts = ca.trust();
    p.host = w.host;
    secured<made_up_world> c(p);
    c.start();
    c.client.stream->write(bytes(10));
    CAPTURE(w.host, w.why, c.client.context);
    CHECK(c.wait_for_ends());
    CHECK(c.client.code == "tls_failed");
    CHECK(c.client.context.find(w.why) != std::string::npos);
    CHECK(c.server.code == "tls_failed");
    CHECK(c.server.got.empty());
  }
}

TEST_CASE("names, wildcards and addresses in a certificate are taken", "[net][unit]") {
  const authority ca;
  const tls_certificate leaf =
      ca.issue({"node.example", "*.wild.example"}, {"192.0.2.7", "2001:db8::1"});
  for (const char* const one :
       {"node.example", "NODE.example", "a.wild.example", "192.0.2.7", "2001:db8::1"}) {
    const std::string host = one;
    parties p;
    p.serves = serve(leaf);
    p.trusts = ca.trust();
    p.host = host;
    secured<made_up_world> c(p);
    c.start();
    c.client.stream->write(bytes(10));
    CAPTURE(host, c.client.context);
    CHECK(c.world.wait([&] { return c.server.got.size() == 10; }));
    const bool named = host.find("example") != host.npos;
    CHECK(c.session_of(c.server)->server_name == (named ? host : ""));
  }
}

TEST_CASE("a host that no certificate can name is refused before a byte is sent", "[net][unit]") {
  for (const std::string& host :
       {std::string(), std::string(".example"), std::string("a\0b", 3), std::string(300, 'a')}) {
    parties p;
    p.host = host;
    half_secured c(p, false);
    c.raw.start(c.world);
    c.tls.stream->write(bytes(10));
    CHECK(c.world.wait([&] { return c.tls.closed > 0; }));
    CHECK(c.tls.code == "tls_failed");
    CHECK(c.raw.got.empty());
  }
}

TEST_CASE("garbage instead of TLS ends in tls_failed, in both roles", "[net][unit]") {
  const parties p;
  const bytes noise = pattern(5000);
  for (const bool serves : {true, false})
    for (const std::string_view text :
         {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("HTTP/1.1 400 Bad\r\n\r\n"),
          std::string_view("\x16\x03\x01\xff\xff garbage in a record"), as_text(noise)}) {
      half_secured c(p, serves);
      c.raw.start(c.world);
      c.send(text);
      CHECK(c.world.wait([&] { return c.tls.closed > 0; }));
      CHECK(c.tls.code == "tls_failed");
      CHECK_FALSE(c.tls.context.empty());
      CHECK(c.tls.got.empty());
    }
}

TEST_CASE("a handshake that takes too long is given up on time", "[net][unit]") {
  const parties p;
  for (const bool serves : {true, false}) {
    half_secured c(p, serves);
    c.raw.start(c.world);
    // A byte a second of a record's beginning keeps nobody longer than the deadline.
    const time_point begin = c.world.clock.now();
    const std::string_view slow("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    for (std::size_t i = 0; i < slow.size() && c.tls.closed == 0; ++i) {
      c.send(slow.substr(i, 1));
      c.world.world.run_for(950ms);
    }
    CHECK(c.world.wait([&] { return c.tls.closed > 0; }));
    CHECK(c.tls.code == "tls_handshake_timeout");
    CHECK(c.world.clock.now() - begin <= tls_stream::handshake_time_max + 1s);
  }
}

TEST_CASE("a handshake or its records cut at any byte never look like an orderly end",
          "[net][unit]") {
  const parties p;
  // How much the server had to say last: handshake, ten bytes, close_notify.
  std::size_t whole = 0;
  const auto run = [&](std::size_t cut) {
    half_secured c(p, false);
    bytes script;
    bare_peer server(true, [&](SSL_CTX* to) {
      const tls_certificate leaf = p.ca.issue({"node.example"});
      SSL_CTX_use_certificate(to, leaf.certificate.get());
      SSL_CTX_use_PrivateKey(to, leaf.key.get());
    });
    std::size_t said = 0;
    bool finished = false;
    const auto say = [&](bytes out) {
      const std::size_t room = cut - std::min(cut, said);
      said += out.size();
      const bool last = out.size() > room || cut == said;
      out.resize(std::min(out.size(), room));
      c.raw.stream->write(std::move(out));
      if (last) c.raw.stream->close();
    };
    c.raw.stream->start({[&](byte_view in) {
                           bytes out;
                           const bool done = server.step(in, out);
                           if (done && !std::exchange(finished, true)) {
                             SSL_write(server.ssl.get(), "0123456789", 10);
                             SSL_shutdown(server.ssl.get());
                             append(out, server.wire.take_written());
                           }
                           if (!out.empty()) say(std::move(out));
                         },
                         {},
                         {}});
    CHECK(c.world.wait([&] { return c.tls.closed > 0; }));
    whole = finished ? said : std::string::npos;
    return c.tls.code + " " + std::to_string(c.tls.got.size());
  };
  CHECK(run(1 << 20) == "closed_by_peer 10");
  const std::size_t size = whole;
  REQUIRE(size > 500);
  for (std::size_t cut = 1; cut + 4 < size; cut += cut + 120 < size ? 9 : 1) {
    const std::string outcome = run(cut);
    CAPTURE(cut, size, whole);
    if (cut >= whole) // signatures and serial numbers vary in length: nothing was cut this time
      CHECK(outcome == "closed_by_peer 10");
    else
      CHECK((outcome == "tls_failed 0" || outcome == "tls_truncated 0" ||
             outcome == "tls_truncated 10"));
  }
}

TEST_CASE("a record that was tampered with ends the stream", "[net][unit]") {
  const parties p;
  half_secured c(p, true);
  bare_peer client(false);
  bytes out;
  client.step({}, out);
  c.raw.stream->write(out);
  bool done = false;
  c.raw.start(c.world, [&](byte_view in) {
    done = client.step(in, out);
    c.raw.stream->write(out);
  });
  REQUIRE(c.world.wait([&] { return done; }));
  SSL_write(client.ssl.get(), "genuine", 7);
  c.raw.stream->write(client.wire.take_written());
  REQUIRE(c.world.wait([&] { return c.tls.got.size() == 7; }));
  SSL_write(client.ssl.get(), "genuine", 7);
  out = client.wire.take_written();
  out.back() ^= 1;
  c.raw.stream->write(out);
  CHECK(c.world.wait([&] { return c.tls.closed > 0; }));
  CHECK(c.tls.code == "tls_failed");
  CHECK(c.tls.text() == "genuine");
}

TEST_CASE("old versions, weak ciphers and foreign protocols are refused by the server",
          "[net][unit]") {
  const parties p;
  using set_up = std::function<void(SSL_CTX*)>;
  const std::vector<std::pair<set_up, bool>> all = {
      {[](SSL_CTX* to) { SSL_CTX_set_max_proto_version(to, TLS1_1_VERSION); }, false},
      {[](SSL_CTX* to) { SSL_CTX_set_max_proto_version(to, TLS1_2_VERSION); }, true},
      {[](SSL_CTX* to) {
         SSL_CTX_set_max_proto_version(to, TLS1_2_VERSION);
         SSL_CTX_set_cipher_list(to, "ECDHE-ECDSA-AES128-SHA:AES128-SHA:AES256-GCM-SHA384");
       },
       false},
      {[](SSL_CTX* to) { SSL_CTX_set_alpn_protos(to, (const unsigned char*)"\x02h2", 3); }, false},
      {[](SSL_CTX* to) {
         SSL_CTX_set_alpn_protos(to, (const unsigned char*)"\x02h2\x08http/1.1", 12);
       },
       true},
  };
  for (const auto& [prepare, fine] : all) {
    half_secured c(p, true);
    bare_peer client(false, prepare);
    bytes out;
    client.step({}, out);
    c.raw.stream->write(out);
    bool done = false;
    c.raw.start(c.world, [&](byte_view in) {
      done |= client.step(in, out);
      c.raw.stream->write(out);
    });
    c.world.wait([&] { return done || c.tls.closed > 0; });
    CHECK(done == fine);
    CHECK(c.tls.code == (fine ? "" : "tls_failed"));
  }
}

TEST_CASE("a peer cannot make the server negotiate again", "[net][unit]") {
  const parties p;
  half_secured c(p, true);
  bare_peer client(false, [](SSL_CTX* to) { SSL_CTX_set_max_proto_version(to, TLS1_2_VERSION); });
  bytes out;
  client.step({}, out);
  c.raw.stream->write(out);
  bool done = false;
  std::size_t after = 0;
  c.raw.start(c.world, [&](byte_view in) {
    if (done) after += in.size();
    if (done) return;
    done = client.step(in, out);
    c.raw.stream->write(out);
  });
  REQUIRE(c.world.wait([&] { return done; }));
  REQUIRE(SSL_renegotiate(client.ssl.get()) == 1);
  SSL_do_handshake(client.ssl.get());
  c.raw.stream->write(client.wire.take_written());
  c.world.world.run_for(3s);
  CHECK(after > 0);   // an alert
  CHECK(after < 100); // and no handshake
}

TEST_CASE("a peer that asks for endless key updates and takes no answers is cut off",
          "[net][unit]") {
  const parties p;
  half_secured c(p, true);
  c.world.world.set_link("here", "here", {.in_flight_max = 1024});
  bare_peer client(false);
  bytes out;
  client.step({}, out);
  c.raw.stream->write(out);
  bool done = false;
  c.raw.start(c.world, [&](byte_view in) {
    if (done) return;
    done = client.step(in, out);
    c.raw.stream->write(out);
  });
  REQUIRE(c.world.wait([&] { return done; }));
  c.raw.stream->pause_reading();
  std::size_t sent = 0;
  std::size_t most = 0;
  while (c.tls.closed == 0 && sent < 100'000) {
    for (int i = 0; i < 100; ++i, ++sent) {
      SSL_key_update(client.ssl.get(), SSL_KEY_UPDATE_REQUESTED);
      SSL_do_handshake(client.ssl.get());
      c.raw.stream->write(client.wire.take_written());
    }
    c.world.world.run_for(1s);
    most = std::max(most, c.tls.stream->unsent());
  }
  CHECK(c.tls.closed == 1);
  CHECK(c.tls.code == "tls_failed");
  CHECK(most < 2 * tls_stream::answers_size_max);
}
