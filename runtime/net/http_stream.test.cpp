// Bodies written bit by bit: order, bounds, and the ways in which they end; and all of the server
// over real sockets and from other threads.
#include "runtime/net/asio_network.hpp"
#include "runtime/net/http_test_support.hpp"
#include "runtime/net/tls_stream.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <thread>

using namespace kith;
using namespace kith::net;
using namespace kith::net::test;

namespace {

// A world whose every answer is a stream, which is kept here.
struct streaming : world {
  explicit streaming(http_options o = {}) : world(std::move(o)) {
    handler = [this](http_request, http_responder responder) {
      auto s = responder.stream(http_response::of(200, "text/event-stream", std::string_view()));
      if (!s) return void(failed.push_back(s.error().code));
      auto& one = *streams.emplace_back(std::make_unique<open>());
      one.body = *s;
      one.body->on_drained([&one] { ++one.drained; });
      one.body->on_closed([&one](const error& e) { one.end += e.code; });
    };
  }
  struct open {
    std::shared_ptr<http_stream> body;
    int drained = 0;
    std::string end;
  };
  std::vector<std::unique_ptr<open>> streams;
  std::vector<std::string> failed;
};

} // namespace

TEST_CASE("stream sends each write as a chunk and ends the body", "[net][unit]") {
  streaming w;
  auto& c = w.ask(get("/") + get("/next"));
  w.run();
  REQUIRE(w.streams.size() == 1);
  CHECK(c.answers().at(0).headers.at("transfer-encoding") == "chunked");
  CHECK(c.answers()[0].headers.count("content-length") == 0);
  auto& s = *w.streams[0];
  CHECK(s.body->write("data: 1\n\n"));
  CHECK(s.body->write(""));
  CHECK(s.body->write(std::string_view("data: 2\n\n")));
  w.run();
  CHECK(c.answers()[0].body == "data: 1\n\ndata: 2\n\n");
  CHECK_FALSE(c.answers()[0].whole);
  CHECK(w.server->counts().streams == 1);
  s.body->write("end");
  s.body->close();
  CHECK_FALSE(s.body->write("late"));
  w.run();
  CHECK(c.answers()[0].whole);
  CHECK(c.answers()[0].body.ends_with("end"));
  CHECK(s.end == "closed");
  CHECK(c.answers().size() == 2); // the connection goes on with the next request
  REQUIRE(w.streams.size() == 2);
  w.streams[1]->body.reset();
  w.run();
  CHECK(c.answers()[1].whole);
  CHECK(w.server->counts().streams == 0);
  CHECK_FALSE(c.over());
}

TEST_CASE("stream to an old client ends with the connection", "[net][unit]") {
  streaming w;
  auto& c = w.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  w.run();
  w.streams.at(0)->body->write("plain");
  w.run();
  CHECK(c.got.ends_with("\r\n\r\nplain"));
  CHECK(c.got.find("chunked") == c.got.npos);
  w.streams[0]->body->close();
  w.run();
  CHECK(c.over());
  CHECK(c.got.ends_with("\r\n\r\nplain"));
}

TEST_CASE("stream has no body in the answer to a HEAD", "[net][unit]") {
  streaming w;
  auto& c = w.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  w.run();
  CHECK(w.streams.at(0)->end == "closed");
  CHECK_FALSE(w.streams[0]->body->write("x"));
  CHECK(answers_in(c.got, true).size() == 2);
}

TEST_CASE("stream takes no more than its bound for a client that does not read", "[net][unit]") {
  http_options o;
  o.stream_unsent_max = 100'000;
  streaming w(o);
  auto& c = w.connect("client", false);
  c.send(get("/"));
  w.run();
  auto& s = *w.streams.at(0);
  const std::string block(30'000, 'b');
  std::size_t taken = 0;
  while (s.body->write(block)) {
    ++taken;
    REQUIRE(taken < 100);
    w.run(10ms);
  }
  // 256 KiB are under way in the simulated network.
  CHECK(taken >= 8);
  CHECK(taken <= (256 * 1024 + 100'000) / 30'000 + 1);
  CHECK(s.body->unsent() <= 100'000);
  CHECK(s.body->unsent() >= 60'000);
  CHECK(s.drained == 0);
  SECTION("until it reads again") {
    c.stream->resume_reading();
    w.run(1s);
    CHECK(s.drained == 1);
    CHECK(s.body->unsent() == 0);
    CHECK(s.body->write(std::string(500'000, 'c'))); // nothing waits: any size goes
    w.run(1s);
    s.body->close();
    w.run(1s);
    REQUIRE(c.answers().size() == 1);
    CHECK(c.answers()[0].body.size() == taken * block.size() + 500'000);
    CHECK(c.answers()[0].whole);
  }
  SECTION("and then gives it up") {
    w.run(32s);
    CHECK(s.end == "send_stalled");
    CHECK(w.server->counts().connections == 0);
    CHECK(w.server->counts().streams == 0);
  }
}

TEST_CASE("stream tells that the client went away", "[net][unit]") {
  streaming w;
  auto& c = w.ask(get("/"));
  auto& d = w.ask(get("/"));
  w.run();
  c.stream->close();
  w.net.drop_connections("nobody", "server");
  w.run(6s);
  CHECK(w.streams.at(0)->end == "closed_by_peer");
  CHECK(w.streams.at(1)->end.empty());
  w.net.drop_connections("client", "server");
  w.run();
  CHECK(w.streams[1]->end == "connection_reset");
  CHECK_FALSE(w.streams[0]->body->write("x"));
  CHECK(d.over());
  std::string late;
  w.streams[0]->body->on_closed([&](const error& e) { late = e.code; });
  CHECK(late.empty());
  w.run();
  CHECK(late == "closed_by_peer");
}

TEST_CASE("streams are counted and bounded", "[net][unit]") {
  http_options o;
  o.streams_max = 2;
  streaming w(o);
  auto& a = w.ask(get("/"));
  w.ask(get("/"));
  auto& c = w.ask(get("/"));
  w.run();
  CHECK(w.server->counts().streams == 2);
  REQUIRE(c.answers().size() == 1);
  CHECK(c.answers()[0].status == 503);
  CHECK(c.answers()[0].headers.at("retry-after") == "5");
  CHECK(w.failed == std::vector<std::string>{"too_many_streams"});
  CHECK(w.was_refused(503, "too_many_streams"));
  a.stream.reset();
  w.run();
  auto& d = w.ask(get("/"));
  w.run();
  CHECK(d.answers().at(0).status == 200);
}

TEST_CASE("streams are ended when the server stops", "[net][unit]") {
  streaming w;
  auto& c = w.ask(get("/"));
  w.run();
  w.streams.at(0)->body->write("last");
  int done = 0;
  w.server->drain(10s, [&] { ++done; });
  w.run();
  CHECK(w.streams[0]->end == "draining");
  CHECK(c.answers().at(0).whole);
  CHECK(c.answers()[0].body == "last");
  CHECK(c.over());
  CHECK(done == 1);
}

TEST_CASE("stream outlives its server", "[net][unit]") {
  streaming w;
  w.ask(get("/"));
  w.run();
  w.port.reset();
  w.server.reset();
  CHECK_FALSE(w.streams.at(0)->body->write("x"));
  w.run();
  CHECK(w.streams[0]->end == "server_gone");
  std::string late;
  w.streams[0]->body->on_closed([&](const error& e) { late = e.code; });
  CHECK(late == "server_gone"); // there is no reactor to say it later
}

TEST_CASE("stream refuses a head that cannot be sent", "[net][unit]") {
  world w;
  std::string end;
  w.handler = [&](http_request, http_responder r) {
    auto head = http_response::of(200, "a\r\nb", std::string_view());
    (*r.stream(head))->on_closed([&](const error& e) { end = e.code; });
  };
  auto& c = w.ask(get("/"));
  w.run();
  CHECK(c.answers().at(0).status == 500);
  CHECK(end == "bad_response");
}

TEST_CASE("server works over TLS, streams and refusals too", "[net][unit]") {
  http_options o;
  o.connections_per_address_max = 1;
  streaming w(o);
  const auto certificate = tls_server_context::self_signed(w.clock.wall());
  tls_trust trust;
  trust.system_roots = false;
  trust.ca_pem = certificate->certificate();
  const auto trusting = *tls_client_context::make(trust);
  auto& on = w.net.reactor_of("server");
  w.port.reset();
  w.port = *w.net.network_of("server").listen("0.0.0.0:80", [&](auto s) {
    w.server->adopt(tls_stream::accept(on, *certificate, std::move(s)), true);
  });
  const auto dial = [&]() -> client& {
    client& c = w.clients.emplace_back();
    w.net.network_of("client").connect("server:80", 5s, [&](auto s) {
      c.stream = tls_stream::dial(w.net.reactor_of("client"), *trusting, std::move(*s), "localhost",
                                  w.clock.wall());
      c.stream->start({[&c](byte_view b) { c.got += as_text(b); },
                       {},
                       [&c](const error& e) { c.end = e.code; }});
      c.send(get("/"));
    });
    w.run(1s);
    return c;
  };
  auto& c = dial();
  REQUIRE(w.seen.size() == 1);
  CHECK(w.seen[0].secure);
  w.streams.at(0)->body->write(std::string(200'000, 'a'));
  w.run();
  auto& second = dial(); // one too many
  CHECK(second.answers().at(0).status == 503);
  w.streams[0]->body->close();
  w.run();
  REQUIRE(c.answers().size() == 1);
  CHECK(c.answers()[0].whole);
  CHECK(c.answers()[0].body.size() == 200'000);
  c.stream->close();
  w.run(6s);
  CHECK(second.end == "closed_by_peer");
  CHECK(w.server->counts().connections == 0);
}

namespace {

// A server on real sockets.
struct real_server {
  explicit real_server(http_handler handler, http_options options = {}) {
    reactor.start();
    reactor.call([&] {
      server.emplace(reactor, clock, std::move(options), std::move(handler));
      port = *net->listen("127.0.0.1:0", [this](auto s) { server->adopt(std::move(s), false); });
    });
  }
  ~real_server() {
    reactor.call([&] {
      port.reset();
      peers.clear();
      server.reset();
      net.reset();
    });
    reactor.stop();
  }
  // Sends `text` on a new connection and waits until `enough` holds for what came back.
  std::string ask(const std::string& text, const std::function<bool(const std::string&)>& enough) {
    auto came = std::make_shared<std::promise<std::string>>();
    auto got = std::make_shared<std::string>();
    reactor.call([&] {
      net->connect(port->local_address(), 10s, [=, this](auto s) {
        auto& peer = *peers.emplace_back(std::move(*s));
        const auto look = [=](byte_view b) {
          const bool before = enough(*got);
          *got += as_text(b);
          if (!before && enough(*got)) came->set_value(*got);
        };
        peer.start({look, {}, [](const error&) {}});
        peer.write(to_bytes(as_bytes(text)));
      });
    });
    auto future = came->get_future();
    if (future.wait_for(30s) != std::future_status::ready) return "nothing came";
    return future.get();
  }

  system_clock clock;
  asio_reactor reactor;
  std::optional<asio_network> net{std::in_place, reactor};
  std::optional<http_server> server;
  std::unique_ptr<listener> port;
  std::vector<std::unique_ptr<byte_stream>> peers;
};

} // namespace

TEST_CASE("server works over real sockets, answered from other threads", "[net][unit]") {
  std::vector<std::thread> threads;
  real_server w([&](http_request request, http_responder responder) {
    threads.emplace_back([r = std::move(responder), target = request.target]() mutable {
      if (target == "/dropped") return;
      r.respond(http_response::of(200, "text/plain", target));
    });
  });
  std::string many;
  for (int i = 0; i < 50; ++i) many += get("/" + std::to_string(i));
  const auto got = w.ask(many + get("/dropped"), [](const std::string& text) {
    return answers_in(text).size() == 51 && answers_in(text).back().whole;
  });
  const auto all = answers_in(got);
  REQUIRE(all.size() == 51);
  for (int i = 0; i < 50; ++i) CHECK(all[std::size_t(i)].body == "/" + std::to_string(i));
  CHECK(all[50].status == 500);
  const auto refused = w.ask("nonsense\r\n\r\n", [](const std::string& text) {
    return answers_in(text).size() == 1 && answers_in(text)[0].whole;
  });
  CHECK(answers_in(refused)[0].status == 400);
  for (auto& t : threads) t.join();
}

TEST_CASE("stream is written from another thread over real sockets, within its bound",
          "[net][unit]") {
  http_options o;
  o.stream_unsent_max = 50'000;
  std::thread writer;
  real_server w(
      [&](http_request, http_responder responder) {
        writer = std::thread([r = std::move(responder)]() mutable {
          const auto s = *r.stream(http_response::of(200, "text/plain", std::string_view()));
          const auto room = std::make_shared<std::promise<void>>();
          for (int i = 0; i < 2'000; ++i) {
            const std::string line = std::string(999, char('a' + i % 26)) + "\n";
            while (!s->write(line)) {
              const auto room_came = std::make_shared<std::promise<void>>();
              s->on_drained([room_came] { room_came->set_value(); });
              if (s->write(line)) break;
              room_came->get_future().wait();
            }
          }
        });
      },
      o);
  const auto got =
      w.ask(get("/"), [](const std::string& text) { return text.ends_with("\r\n0\r\n\r\n"); });
  writer.join();
  const auto all = answers_in(got);
  REQUIRE(all.size() == 1);
  CHECK(all[0].whole);
  REQUIRE(all[0].body.size() == 2'000'000);
  bool right = true;
  for (std::size_t i = 0; i < 2'000; ++i)
    right = right && all[0].body[i * 1000] == char('a' + i % 26);
  CHECK(right);
}
