// The HTTP server in a simulated world: answers in order, every limit, and the end.
#include "runtime/net/http_test_support.hpp"

#include <kith/json.hpp>

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;
using namespace kith::net::test;

namespace {

const std::string sample = "POST /a/b?c=d HTTP/1.1\r\nHost: kith\r\nContent-Length: 5\r\nX-A: 1\r\n"
                           "x-a: 2\r\n\r\nhello";

// The one answer, to a request that is refused: and the connection ends.
void check_refusal(world& w, client& c, int status, const std::string& why) {
  w.run(6s);
  INFO(c.got);
  const auto all = c.answers();
  REQUIRE(all.size() == 1);
  CHECK(all[0].status == status);
  CHECK(all[0].whole);
  CHECK(all[0].headers.at("connection") == "close");
  CHECK(c.over());
  CHECK(w.refused == std::vector<std::pair<int, std::string>>{{status, why}});
  CHECK(w.server->counts().connections == 0);
  CHECK(w.server->counts().refused == 1);
  CHECK(w.seen.empty());
  if (c.got.find("application/problem+json") == c.got.npos) FAIL("no problem details");
  const auto problem = json::parse(all[0].body);
  REQUIRE(problem);
  CHECK((*problem)["status"].as_int() == status);
  CHECK((*problem)["code"].as_string() == why);
}

void check_refused(const std::string& request, int status, const std::string& why,
                   http_options options = {}) {
  INFO(request.substr(0, 200));
  world w(options);
  check_refusal(w, w.ask(request), status, why);
}

} // namespace

TEST_CASE("server hands over a request as it was sent and sends the answer", "[net][unit]") {
  world w;
  w.secure = true;
  auto& c = w.ask(sample);
  w.run();
  REQUIRE(w.seen.size() == 1);
  const auto& r = w.seen[0];
  CHECK(r.method == "POST");
  CHECK(r.target == "/a/b?c=d");
  CHECK(r.path() == "/a/b");
  CHECK(r.query() == "c=d");
  CHECK(r.authority() == "kith");
  CHECK(r.version == 11);
  CHECK(r.secure);
  CHECK(r.remote_address.starts_with("client:"));
  CHECK(r.headers["X-a"] == "1");
  CHECK(r.headers.joined("x-A") == "1, 2");
  CHECK(as_text(r.body) == "hello");
  REQUIRE(c.answers().size() == 1);
  const auto a = c.answers()[0];
  CHECK(a.status == 200);
  CHECK(a.body == "/a/b?c=d");
  CHECK(a.headers.at("content-type") == "text/plain");
  CHECK(a.headers.at("date") == http_date(w.clock.wall()));
  CHECK(a.headers.count("connection") == 0);
  CHECK_FALSE(c.over());
}

TEST_CASE("server reads a request that is cut anywhere", "[net][unit]") {
  world w;
  for (std::size_t at = 1; at < sample.size(); ++at) {
    auto& c = w.connect();
    c.send(sample.substr(0, at));
    w.run(20ms);
    CHECK(c.got.empty());
    c.send(sample.substr(at));
    w.run(20ms);
    CHECK(c.answers().size() == 1);
    CHECK(as_text(w.seen.back().body) == "hello");
    c.stream.reset();
  }
  CHECK(w.seen.size() == sample.size() - 1);
  CHECK(w.refused.empty());
}

TEST_CASE("server drops a request that ends early at any byte", "[net][unit]") {
  for (std::size_t at = 0; at < sample.size(); ++at) {
    world w;
    auto& c = w.connect();
    c.send(sample.substr(0, at));
    w.run(20ms);
    c.stream->close();
    w.run(6s);
    CHECK(w.seen.empty());
    CHECK(w.server->counts().connections == 0);
  }
}

TEST_CASE("server answers pipelined requests in order, one at a time", "[net][unit]") {
  world w;
  w.handler = [&](http_request r, http_responder responder) {
    if (r.target == "/1" || r.target == "/3")
      w.held.push_back(std::move(responder));
    else
      responder.respond(http_response::of(200, "text/plain", r.target));
  };
  auto& c = w.ask(get("/0") + get("/1") + get("/2") + get("/3") + get("/4"));
  w.run();
  CHECK(w.seen.size() == 2);
  CHECK(c.answers().size() == 1);
  w.held[0].respond(http_response::of(200, "text/plain", "late"));
  w.run();
  CHECK(w.seen.size() == 4);
  w.held[1].respond(http_response::of(201, "text/plain", "later"));
  w.run();
  std::string bodies;
  for (const auto& a : c.answers()) bodies += a.body + " ";
  CHECK(bodies == "/0 late /2 later /4 ");
  CHECK(w.server->counts().requests == 5);
}

TEST_CASE("server stops reading while a request is answered and much waits", "[net][unit]") {
  http_options o;
  o.pipelined_size_max = 1000;
  world w(o);
  w.handler = [&](http_request, http_responder responder) {
    w.held.push_back(std::move(responder));
  };
  std::string many;
  for (int i = 0; i < 30'000; ++i) many += get("/");
  auto& c = w.ask(many);
  w.run(5s);
  // What is under way may be 256 KiB; all above it is still the client's.
  CHECK(c.stream->unsent() >= many.size() - 256 * 1024 - 32 * 1024);
  for (std::size_t i = 0; i < 30'000; ++i) {
    if (i >= w.held.size()) w.run(10ms);
    REQUIRE(i < w.held.size());
    w.held[i].respond(http_response::of(200, "text/plain", "x"));
  }
  w.run();
  CHECK(c.answers().size() == 30'000);
}

TEST_CASE("server keeps the connection as the client and the version wish", "[net][unit]") {
  struct row {
    std::string request;
    bool kept;
    std::string connection;
  };
  const row rows[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false, "close"},
      {"GET / HTTP/1.0\r\n\r\n", false, "close"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "keep-alive"},
  };
  for (const auto& row : rows) {
    INFO(row.request);
    world w;
    auto& c = w.ask(row.request);
    w.run();
    REQUIRE(c.answers().size() == 1);
    auto headers = c.answers()[0].headers;
    CHECK(headers["connection"] == row.connection);
    CHECK(c.over() == !row.kept);
  }
}

TEST_CASE("server takes a chunked body and drops its trailers", "[net][unit]") {
  world w;
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n6;ext=\"a\"\r\n world\r\n0\r\nX-Late: 1\r\n\r\n";
  auto& c = w.ask(chunked + get("/next"));
  w.run();
  CHECK(c.answers().size() == 2);
  CHECK(as_text(w.seen[0].body) == "hello world");
  CHECK_FALSE(w.seen[0].headers.find("X-Late"));
  for (std::size_t at = 1; at < chunked.size(); ++at) {
    auto& cut = w.connect();
    cut.send(chunked.substr(0, at));
    w.run(20ms);
    cut.send(chunked.substr(at));
    w.run(20ms);
    CHECK(cut.answers().size() == 1);
    CHECK(as_text(w.seen.back().body) == "hello world");
    cut.stream.reset();
  }
  // An empty one, byte by byte.
  auto& slow = w.connect();
  for (const char byte :
       std::string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "0\r\n\r\n")) {
    slow.send(std::string(1, byte));
    w.run(10ms);
  }
  CHECK(slow.answers().size() == 1);
  CHECK(w.refused.empty());
}

TEST_CASE("server asks for a body that the client holds back", "[net][unit]") {
  world w;
  auto& c =
      w.ask("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  w.run();
  CHECK(c.got == "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("ok");
  w.run();
  CHECK(c.answers().size() == 2);
  CHECK(as_text(w.seen.at(0).body) == "ok");
  // One that comes along is not asked for.
  auto& d =
      w.ask("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
  w.run();
  CHECK(d.got.find("100 Continue") == d.got.npos);
  CHECK(d.answers().size() == 1);
  check_refused("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200\r\nContent-Length: 2\r\n\r\n", 417,
                "unknown_expectation");
  check_refused(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n", 413,
      "body_too_large");
}

TEST_CASE("server answers HEAD, 204 and 304 without a body", "[net][unit]") {
  world w;
  auto& c = w.ask("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n");
  w.run();
  REQUIRE(answers_in(c.got, true).size() == 1);
  CHECK(answers_in(c.got, true)[0].headers.at("content-length") == "4");
  CHECK(c.got.ends_with("\r\n\r\n"));
  for (const int status : {204, 304}) {
    w.handler = [&](http_request, http_responder r) {
      r.respond(http_response::of(status, "text/plain", "never sent"));
    };
    auto& d = w.ask(get("/") + get("/"));
    w.run();
    CHECK(d.answers().size() == 2);
    CHECK(d.got.find("never") == d.got.npos);
    CHECK(d.got.find("Content-Length") == d.got.npos);
  }
}

TEST_CASE("server takes absolute targets, asterisks and empty lines before a request",
          "[net][unit]") {
  world w;
  auto& c = w.ask("\r\nGET http://example.org:81?x=1 HTTP/1.1\r\nHost: other\r\n\r\n"
                  "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"
                  "GET HTTPS://example.org/p?q HTTP/1.1\r\nHost: other\r\n\r\n");
  w.run();
  REQUIRE(c.answers().size() == 3);
  CHECK(w.seen[0].path() == "/");
  CHECK(w.seen[0].query() == "x=1");
  CHECK(w.seen[0].authority() == "example.org:81");
  CHECK(w.seen[1].path() == "*");
  CHECK(w.seen[2].path() == "/p");
  CHECK(w.seen[2].target == "HTTPS://example.org/p?q");
}

TEST_CASE("server refuses what two readers could read in two ways", "[net][unit]") {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  check_refused(post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                "ambiguous_length");
  check_refused(post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400,
                "ambiguous_length");
  check_refused(post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "ambiguous_length");
  check_refused(post + "Content-Length: 5, 5\r\n\r\n", 400, "bad_content_length");
  check_refused(post + "Content-Length: +5\r\n\r\n", 400, "ambiguous_length");
  check_refused(post + "Content-Length: -1\r\n\r\n", 400, "ambiguous_length");
  check_refused(post + "Content-Length: 99999999999999999999999\r\n\r\n", 400, "ambiguous_length");
  check_refused(post + "Content-Length: 0000000000000000000005\r\n\r\n", 400, "bad_content_length");
  check_refused(post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                "ambiguous_length");
  check_refused(post + "Transfer-Encoding: gzip\r\n\r\n", 501, "transfer_coding_not_supported");
  check_refused(post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
                "transfer_coding_not_supported");
  check_refused(post + "Transfer-Encoding: xchunked\r\n\r\n", 501, "transfer_coding_not_supported");
  check_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                "bad_transfer_encoding");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400, "folded_header");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n", 400, "folded_header");
  check_refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "malformed_request");
  check_refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "folded_header");
  check_refused("GET / HTTP/1.1\nHost: a\n\n", 400, "bare_line_feed");
  check_refused("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, "bare_line_feed");
  check_refused("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, "malformed_request");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n", 400,
                "malformed_request");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400, "malformed_request");
  check_refused("GET / HTTP/1.1\r\n\r\n", 400, "bad_host");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "bad_host");
  check_refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "bad_host");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400, "malformed_request");
  check_refused("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400, "malformed_request");
}

TEST_CASE("server refuses what is not HTTP/1", "[net][unit]") {
  check_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_not_supported");
  check_refused("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "version_not_supported");
  check_refused("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "version_not_supported");
  check_refused("GET /\r\n", 400, "malformed_request");        // HTTP/0.9, at once
  check_refused("\x16\x03\x01\x02", 400, "malformed_request"); // a TLS hello
  check_refused("\r\n\r\n\r\n\r\n", 400, "malformed_request");
  check_refused("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target");
  check_refused("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target");
  check_refused("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target");
  check_refused("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target");
  check_refused("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_target");
  check_refused("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 505, "version_not_supported");
  check_refused("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "method_not_supported");
  check_refused(std::string(33, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n", 501,
                "method_not_supported");
  check_refused("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request");
}

TEST_CASE("server refuses badly chunked bodies", "[net][unit]") {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  check_refused(post + "x\r\nhello\r\n", 400, "bad_chunk");
  check_refused(post + "5\r\nhelloxx\r\n0\r\n\r\n", 400, "bad_chunk");
  check_refused(post + "fffffffffffffffff\r\n", 400, "bad_chunk");
  check_refused(post + "-5\r\nhello\r\n", 400, "bad_chunk");
  check_refused(post + "5 x\r\nhello\r\n0\r\n\r\n", 400, "bad_chunk");
  check_refused(post + "5\nhello\r\n0\r\n\r\n", 400, "bad_chunk");
  check_refused(post + "0\r\nContent-Length: 3\r\n\r\n", 400, "ambiguous_length");
  check_refused(post + "5;" + std::string(20'000, 'a') + "\r\nhello\r\n", 431,
                "trailers_too_large");
  check_refused(post + "0\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n", 431,
                "trailers_too_large");
}

TEST_CASE("server refuses a head past its limits", "[net][unit]") {
  http_options o;
  o.head_size_max = 300;
  o.headers_max = 5;
  o.target_size_max = 100;
  const auto sized = [](std::size_t size) {
    std::string r = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    return r + std::string(size - r.size() - 4, 'x') + "\r\n\r\n";
  };
  world w(o);
  auto& c = w.ask(sized(300));
  w.run();
  CHECK(c.answers().at(0).status == 200);
  check_refused(sized(301), 431, "head_too_large", o);
  check_refused(sized(400).substr(0, 301), 431, "head_too_large", o); // before its end
  const std::string get_a = "GET / HTTP/1.1\r\nHost: a\r\n";
  auto& d = w.ask(get_a + "a: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\n\r\n");
  w.run();
  CHECK(d.answers().at(0).status == 200);
  check_refused(get_a + "a: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\n\r\n", 431, "too_many_headers", o);
  auto& e = w.ask(get("/" + std::string(99, 'a')));
  w.run();
  CHECK(e.answers().at(0).status == 200);
  check_refused(get("/" + std::string(100, 'a')), 414, "target_too_long", o);
  check_refused("GET /" + std::string(200, 'a'), 414, "target_too_long", o); // before its end
  // Nor is the head waited for, if the line is there as a whole.
  check_refused("GET /" + std::string(200, 'a') + " HTTP/1.1\r\n", 414, "target_too_long", o);
}

TEST_CASE("server refuses a body past its limit", "[net][unit]") {
  http_options o;
  o.body_size_max = 10;
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  world w(o);
  auto& c = w.ask(post + "Content-Length: 10\r\n\r\n0123456789");
  auto& d = w.ask(post + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n01234\r\n0\r\n\r\n");
  w.run();
  CHECK(c.answers().at(0).status == 200);
  CHECK(d.answers().at(0).status == 200);
  check_refused(post + "Content-Length: 11\r\n\r\n", 413, "body_too_large", o);
  check_refused(post + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n", 413,
                "body_too_large", o);
}

TEST_CASE("server bounds what all connections together have sent", "[net][unit]") {
  http_options o;
  o.received_size_max = 100'000;
  world w(o);
  const std::string half =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n" + std::string(60'000, 'a');
  auto& c = w.ask(half);
  w.run();
  auto& d = w.ask(half);
  w.run();
  CHECK(d.answers().at(0).status == 503);
  CHECK(d.answers().at(0).headers.at("retry-after") == "5");
  CHECK(w.was_refused(503, "too_much_received"));
  c.send(std::string(10'000, 'a'));
  w.run();
  CHECK(c.answers().at(0).status == 200);
  auto& e = w.ask(half + std::string(10'000, 'a')); // there is room again
  w.run();
  CHECK(e.answers().at(0).status == 200);
}

TEST_CASE("server gives up on a slow head", "[net][unit]") {
  world w;
  auto& c = w.ask("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 9; ++i) {
    w.run(1s);
    c.send("X-" + std::to_string(i) + ": a\r\n");
  }
  CHECK(c.got.empty());
  check_refusal(w, c, 408, "head_timeout");
}

TEST_CASE("server gives up on a slow body, not on a steady one", "[net][unit]") {
  http_options o;
  o.body_rate_min = 100;
  world w(o);
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2200\r\n\r\n";
  auto& steady = w.ask(post);
  auto& slow = w.ask(post);
  for (int i = 0; i < 20; ++i) {
    steady.send(std::string(110, 'a'));
    if (!slow.over()) slow.send(std::string(50, 'a'));
    w.run(1s);
  }
  REQUIRE(steady.answers().size() == 1);
  CHECK(steady.answers()[0].status == 200);
  REQUIRE(slow.answers().size() == 1);
  CHECK(slow.answers()[0].status == 408);
  CHECK(slow.over());
  CHECK(w.was_refused(408, "body_timeout"));
}

TEST_CASE("server closes a connection that stays idle or says nothing", "[net][unit]") {
  world w;
  auto& silent = w.connect();
  auto& idle = w.ask(get("/"));
  w.run(9s);
  CHECK_FALSE(silent.over());
  w.run(3s);
  CHECK(silent.over());
  CHECK(silent.got.empty());
  CHECK(w.was_refused(0, "silent"));
  w.run(40s);
  CHECK_FALSE(idle.over());
  w.run(12s);
  CHECK(idle.over());
  CHECK(idle.answers().size() == 1);
  CHECK(w.server->counts().connections == 0);
}

TEST_CASE("server ends a connection after its last request", "[net][unit]") {
  http_options o;
  o.requests_max = 3;
  world w(o);
  auto& c = w.ask(get("/1") + get("/2") + get("/3") + get("/4"));
  w.run();
  REQUIRE(c.answers().size() == 3);
  CHECK(c.answers()[1].headers.count("connection") == 0);
  CHECK(c.answers()[2].headers.at("connection") == "close");
  CHECK(c.over());
}

TEST_CASE("server turns away connections past its limits", "[net][unit]") {
  http_options o;
  o.connections_max = 4;
  o.connections_per_address_max = 2;
  o.refusals_max = 2;
  world w(o);
  auto& a = w.connect("one");
  w.connect("one");
  w.run();
  auto& third = w.connect("one");
  w.run(10ms);
  REQUIRE(third.answers().size() == 1);
  CHECK(third.answers()[0].status == 503);
  CHECK(third.answers()[0].headers.at("retry-after") == "5");
  w.run();
  CHECK(third.over());
  auto& b = w.connect("two");
  w.connect("three");
  w.run();
  CHECK(w.server->counts().connections == 4);
  auto& fifth = w.connect("four");
  w.run();
  CHECK(fifth.answers().at(0).status == 503);
  // Those who do not go are not told for ever.
  w.run();
  for (int i = 0; i < 2; ++i) w.connect("five", false); // and does not see the end
  w.run();
  CHECK_FALSE(w.was_refused(0, "too_many_connections"));
  auto& dropped = w.connect("five");
  w.run();
  CHECK(dropped.got.empty());
  CHECK(dropped.over());
  CHECK(w.was_refused(0, "too_many_connections"));
  // One that ends makes room.
  a.stream.reset();
  b.stream.reset();
  w.run();
  CHECK(w.server->counts().connections <= 2);
  auto& later = w.ask(get("/"));
  w.run();
  CHECK(later.answers().at(0).status == 200);
}

TEST_CASE("server answers 500 for a handler that does not answer", "[net][unit]") {
  world w;
  w.handler = [](http_request, http_responder) {};
  auto& c = w.ask(get("/") + get("/"));
  w.run();
  REQUIRE(c.answers().size() == 2);
  CHECK(c.answers()[0].status == 500);
  CHECK_FALSE(c.over());
}

TEST_CASE("server does not let an answer end its own head", "[net][unit]") {
  world w;
  w.handler = [](http_request r, http_responder responder) {
    auto response = http_response::of(200, "text/plain", "x");
    if (r.target == "/value") response.headers.add("X", "a\r\nSet-Cookie: b");
    if (r.target == "/name") response.headers.add("X: a\r\nY", "b");
    if (r.target == "/status") response.status = 99;
    if (r.target == "/own") response.headers.add("Content-length", "5");
    responder.respond(std::move(response));
  };
  auto& c = w.ask(get("/value") + get("/name") + get("/status") + get("/own"));
  w.run();
  REQUIRE(c.answers().size() == 4);
  CHECK(c.answers()[0].status == 500);
  CHECK(c.answers()[1].status == 500);
  CHECK(c.answers()[2].status == 500);
  CHECK(c.answers()[3].headers.at("content-length") == "1");
  CHECK(c.got.find("Set-Cookie") == c.got.npos);
}

TEST_CASE("server gives up on a handler that takes too long", "[net][unit]") {
  world w;
  w.handler = [&](http_request, http_responder r) { w.held.push_back(std::move(r)); };
  auto& c = w.ask(get("/"));
  w.run(119s);
  CHECK(c.got.empty());
  w.run(3s);
  REQUIRE(c.answers().size() == 1);
  CHECK(c.answers()[0].status == 503);
  CHECK(w.was_refused(503, "answer_timeout"));
  w.held[0].respond(http_response::of(200, "text/plain", "too late"));
  w.run();
  CHECK(c.answers().size() == 1);
}

TEST_CASE("server holds back with a client that does not take its answers, and drops it",
          "[net][unit]") {
  world w;
  const std::string large(100'000, 'a');
  w.handler = [&](http_request, http_responder r) {
    r.respond(http_response::of(200, "text/plain", large));
  };
  auto& c = w.connect("client", false);
  std::string many;
  for (int i = 0; i < 100; ++i) many += get("/");
  c.send(many);
  w.run(5s);
  CHECK(w.seen.size() >= 4);
  CHECK(w.seen.size() <= 10); // what is under way, and unsent_max
  SECTION("until it takes them") {
    c.stream->resume_reading();
    w.run(5s);
    CHECK(c.answers().size() == 100);
  }
  SECTION("after a while") {
    w.run(40s);
    CHECK(w.server->counts().connections == 0);
  }
}

TEST_CASE("server stops in order", "[net][unit]") {
  world w;
  w.handler = [&](http_request, http_responder r) { w.held.push_back(std::move(r)); };
  auto& idle = w.connect();
  auto& busy = w.ask(get("/1") + get("/2"));
  auto& halfway = w.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
  w.run();
  int done = 0;
  w.server->drain(30s, [&] { ++done; });
  w.run();
  CHECK(idle.over());
  CHECK_FALSE(busy.over());
  auto& late = w.connect();
  w.run();
  CHECK(late.over());
  CHECK(w.was_refused(0, "draining"));
  w.held[0].respond(http_response::of(200, "text/plain", "last"));
  halfway.send("b");
  w.run();
  CHECK(busy.over());
  REQUIRE(busy.answers().size() == 1);
  CHECK(busy.answers()[0].headers.at("connection") == "close");
  CHECK(done == 0);
  SECTION("once the last answer is given") {
    w.held.at(1).respond(http_response::of(200, "text/plain", "last"));
    w.run();
    CHECK(halfway.answers().size() == 1);
    CHECK(halfway.over());
  }
  SECTION("at the latest at the deadline") {
    w.run(31s);
    CHECK(halfway.answers().empty());
    CHECK(halfway.over());
  }
  CHECK(done == 1);
  CHECK(w.server->counts().connections == 0);
}

TEST_CASE("server that is drained without connections says so at once", "[net][unit]") {
  world w;
  int done = 0;
  w.server->drain(30s, [&] { ++done; });
  CHECK(done == 0);
  w.run();
  CHECK(done == 1);
}

TEST_CASE("responders outlive connection and server", "[net][unit]") {
  world w;
  w.handler = [&](http_request, http_responder r) { w.held.push_back(std::move(r)); };
  w.ask(get("/1")).stream.reset();
  auto& c = w.ask(get("/2"));
  w.run();
  w.clients[0].stream.reset();
  w.run(6s);
  CHECK(w.server->counts().connections == 1);
  w.held[0].respond(http_response::of(200, "text/plain", "nobody hears"));
  w.port.reset();
  w.server.reset();
  w.run();
  CHECK(c.over());
  w.held[1].respond(http_response::of(200, "text/plain", "nobody hears"));
  w.held.clear();
}

TEST_CASE("handlers may destroy the server", "[net][unit]") {
  world w;
  w.handler = [&](http_request, http_responder) { w.server.reset(); };
  auto& c = w.ask(get("/1") + get("/2"));
  w.run();
  CHECK(c.over());
  CHECK(w.seen.size() == 1);
}
