// Fetches over the simulated network, with sites that misbehave in every way, and one over real
// sockets. Time is virtual: what waits here waits for nothing.
#include "runtime/net/http_client.hpp"
#include "runtime/net/tls_test_support.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace kith;
using namespace kith::net;
using namespace kith::net::test;
using namespace std::chrono_literals;

namespace {

std::string answer(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
std::string redirect(int status, const std::string& where) {
  return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + where +
         "\r\nContent-Length: 0\r\n\r\n";
}

// One who serves: what it does with each request that came whole.
struct visit {
  byte_stream& stream;
  std::string request;
  void send(std::string_view text) { stream.write(to_bytes(as_bytes(text))); }
};
using site = std::function<void(visit&)>;

// Sites by "host:port", and a client on the host "client".
struct made_up_web {
  made_up_world world;
  authority ca;
  std::unique_ptr<tls_client_context> trust = ca.trust();
  std::map<std::string, std::unique_ptr<tls_server_context>> certificates;
  std::vector<std::unique_ptr<listener>> ports;
  std::vector<std::unique_ptr<byte_stream>> streams;
  std::vector<std::string> requests; // of all sites, in order
  byte_stream* last_below = nullptr; // under the last connection's TLS
  std::optional<http_client> client;

  explicit made_up_web(http_client_options options = {}) {
    client.emplace(world.world.reactor_of("client"), world.world.network_of("client"), world.clock,
                   *trust, options);
  }

  void open(const std::string& host, site does, bool secure = false, int port = 0) {
    const bool v6 = host.find(':') != host.npos;
    const std::string where = (v6 ? "[" + host + "]" : host) + ":" +
                              std::to_string(port     ? port
                                             : secure ? 443
                                                      : 80);
    if (secure && !certificates[host]) certificates[host] = serve(ca.issue({host}));
    tls_server_context* const shows = secure ? certificates[host].get() : nullptr;
    ports.push_back(world.world.network_of(host)
                        .listen(where,
                                [this, does, host, shows](std::unique_ptr<byte_stream> s) {
                                  last_below = s.get();
                                  if (shows)
                                    s = tls_stream::accept(world.world.reactor_of(host), *shows,
                                                           std::move(s));
                                  take(std::move(s), does);
                                })
                        .value());
  }
  void take(std::unique_ptr<byte_stream> s, const site& does) {
    byte_stream& stream = *streams.emplace_back(std::move(s));
    stream.start({[this, &stream, does, text = std::string()](byte_view in) mutable {
                    text += as_text(in);
                    const auto end = text.find("\r\n\r\n");
                    if (end == text.npos) return;
                    const auto length = text.find("Content-Length: ");
                    const std::size_t size =
                        length < end ? std::stoul(text.substr(length + 16)) : 0;
                    if (text.size() < end + 4 + size) return;
                    requests.push_back(text);
                    visit v{stream, std::exchange(text, {})};
                    does(v);
                  },
                  {},
                  {}});
  }
  // Says `text` to each request and keeps the connection.
  void open(const std::string& host, const std::string& text, bool secure = false) {
    open(
        host, [text](visit& v) { v.send(text); }, secure);
  }

  result<fetch_answer> fetch(fetch_request request, const fetch_limits& limits = {},
                             duration span = 300s) {
    std::optional<result<fetch_answer>> out;
    client->fetch(std::move(request), limits, [&](auto o) {
      REQUIRE_FALSE(out); // once
      out.emplace(std::move(o));
    });
    REQUIRE_FALSE(out); // never from within the call
    REQUIRE(world.world.run_until([&] { return out.has_value(); }, span));
    CHECK(client->active() == 0);
    return std::move(*out);
  }
  // The body, or the error's code.
  std::string get(const std::string& url, const fetch_limits& limits = {}) {
    const auto out = fetch({.url = url}, limits);
    return out ? std::string(as_text(out->response.body)) : out.error().code;
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

} // namespace

TEST_CASE("a page is fetched over http and over https", "[net][unit]") {
  made_up_web web;
  web.open("plain.example", answer("plain"));
  web.open("safe.example", answer("safe"), true);
  CHECK(web.get("http://plain.example/a?b") == "plain");
  CHECK(web.get("https://safe.example/") == "safe");
  REQUIRE(web.requests.size() == 2);
  CHECK(web.requests[0] == "GET /a?b HTTP/1.1\r\nHost: plain.example\r\nUser-Agent: Kith\r\n"
                           "Accept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n");
  const auto whole = web.fetch({.url = "https://safe.example/x#y"});
  REQUIRE(whole);
  CHECK(whole->response.status == 200);
  CHECK(whole->response.headers["content-length"] == "4");
  CHECK(whole->url == "https://safe.example/x");
  CHECK(whole->redirects == 0);
}

TEST_CASE("a page is fetched over real sockets with TLS", "[net][unit]") {
  real_world world;
  const manual_clock clock{today};
  const authority ca;
  const auto trust = ca.trust();
  const auto shows = serve(ca.issue({"localhost"}));
  std::unique_ptr<listener> port;
  talker server;
  std::optional<http_client> guarded, client;
  std::vector<std::string> outcomes;
  world.on_reactor([&] {
    port = world.network()
               .listen("127.0.0.1:0",
                       [&](std::unique_ptr<byte_stream> s) {
                         server = {};
                         server.stream = tls_stream::accept(world.reactor(), *shows, std::move(s));
                         server.start(world, [&](byte_view) {
                           if (has(server.text(), "\r\n\r\n"))
                             server.stream->write(
                                 to_bytes(as_bytes(answer(std::string(500'000, 'x')))));
                         });
                       })
               .value();
    guarded.emplace(world.reactor(), world.network(), clock, *trust);
    client.emplace(world.reactor(), world.network(), clock, *trust,
                   http_client_options{.allow_private = true});
    const std::string url = "https://localhost:" + std::to_string(port->local_port()) + "/";
    const auto note = [&](result<fetch_answer> out) {
      outcomes.push_back(out ? std::to_string(out->response.body.size()) : out.error().code);
      world.changed();
    };
    guarded->fetch({.url = url}, {}, [&, note, url](result<fetch_answer> out) {
      note(std::move(out));
      client->fetch({.url = url}, {}, note);
    });
  });
  CHECK(world.wait([&] { return outcomes.size() == 2; }));
  CHECK(outcomes == std::vector<std::string>{"address_private", "500000"});
  world.on_reactor([&] {
    client.reset();
    guarded.reset();
    server.stream.reset();
    port.reset();
  });
}

TEST_CASE("a request goes out with its method, headers and body", "[net][unit]") {
  made_up_web web;
  web.open("h.example", answer(""));
  fetch_request r{.url = "http://h.example:80/inbox", .method = "POST"};
  r.headers.add("Content-Type", "application/json");
  r.headers.add("Accept", "text/plain");
  r.headers.add("User-Agent", "me");
  r.body = slice::copy_of(as_bytes("{}"));
  CHECK(web.fetch(r));
  r.method = "PUT";
  r.body = {};
  CHECK(web.fetch(r));
  CHECK(web.requests.at(0) ==
        "POST /inbox HTTP/1.1\r\nHost: h.example\r\nContent-Type: application/json\r\n"
        "Accept: text/plain\r\nUser-Agent: me\r\nAccept-Encoding: identity\r\n"
        "Content-Length: 2\r\nConnection: close\r\n\r\n{}");
  CHECK(has(web.requests.at(1), "\r\nContent-Length: 0\r\n"));
}

TEST_CASE("a request that is malformed never leaves", "[net][unit]") {
  made_up_web web;
  web.open("h.example", answer(""));
  const auto code = [&](const std::string& method, const std::string& name,
                        const std::string& value) {
    fetch_request r{.url = "http://h.example/", .method = method};
    if (!name.empty()) r.headers.add(name, value);
    const auto out = web.fetch(r);
    return out ? "fine" : out.error().code;
  };
  CHECK(code("GET", "X", "y") == "fine");
  CHECK(code("GET /evil HTTP/1.1\r\nX:", "", "") == "bad_method");
  CHECK(code("", "", "") == "bad_method");
  CHECK(code("CONNECT", "", "") == "bad_method");
  CHECK(code("GET", "X", "a\r\nEvil: b") == "bad_header");
  CHECK(code("GET", "X\r\nEvil", "b") == "bad_header");
  CHECK(code("GET", "X", std::string("a\0b", 3)) == "bad_header");
  for (const char* const own : {"Host", "content-length", "Transfer-Encoding", "CONNECTION",
                                "Upgrade", "TE", "Trailer", "Expect"})
    CHECK(code("GET", own, "x") == "bad_header");
  fetch_request many{.url = "http://h.example/"};
  for (std::size_t i = 0; i <= http_client::headers_max; ++i) many.headers.add("A", "b");
  CHECK(web.fetch(many).error().code == "bad_header");
  fetch_request large{.url = "http://h.example/", .method = "POST"};
  large.body = slice(bytes(http_client::request_body_size_max + 1));
  CHECK(web.fetch(large).error().code == "too_large");
  CHECK(web.get("http://user:pw@h.example/") == "bad_url");
  CHECK(web.get("ftp://h.example/") == "scheme_refused");
  CHECK(web.requests.size() == 1);
}

TEST_CASE("a large body goes out and a large one comes back", "[net][unit]") {
  made_up_web web;
  const std::string large(8 << 20, 'x');
  web.open(
      "h.example",
      [&](visit& v) { v.send(answer(v.request.substr(v.request.find("\r\n\r\n") + 4))); }, true);
  fetch_request r{.url = "https://h.example/", .method = "POST"};
  r.body = slice::copy_of(as_bytes(large));
  const auto out = web.fetch(r, {.body_size_max = large.size()});
  REQUIRE(out);
  CHECK(as_text(out->response.body) == large);
  CHECK(web.fetch(r, {.body_size_max = large.size() - 1}).error().code == "too_large");
}

TEST_CASE("a body that ends with the connection is whole only after an orderly end",
          "[net][unit]") {
  made_up_web web;
  const std::string text = "HTTP/1.1 200 OK\r\n\r\nhello";
  web.open("plain.example", [&](visit& v) {
    v.send(text);
    v.stream.close();
  });
  web.open(
      "safe.example",
      [&](visit& v) {
        v.send(text);
        v.stream.close();
      },
      true);
  CHECK(web.get("http://plain.example/") == "hello");
  CHECK(web.get("https://safe.example/") == "hello");
  // A man in the middle ends the connection, without TLS's close_notify.
  web.open(
      "cut.example",
      [&](visit& v) {
        v.send(text);
        web.world.world.reactor_of("cut.example").after(1s, [&] { web.last_below->close(); });
      },
      true);
  const auto cut = web.fetch({.url = "https://cut.example/"});
  REQUIRE_FALSE(cut);
  CHECK(cut.error().code == "truncated");
}

TEST_CASE("a response cut at any byte is an error", "[net][unit]") {
  const std::string sized = answer("hello");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n0\r\n\r\n";
  for (const bool secure : {false, true})
    for (const std::string& text : {sized, chunked}) {
      made_up_web web;
      std::size_t cut = 0;
      web.open(
          "h.example",
          [&](visit& v) {
            v.send(text.substr(0, cut));
            v.stream.close();
          },
          secure);
      for (cut = 0; cut < text.size(); cut += secure ? 7 : 1) {
        CAPTURE(cut, secure);
        CHECK(web.get((secure ? "https" : "http") + std::string("://h.example/")) == "truncated");
      }
      cut = text.size();
      CHECK(web.get((secure ? "https" : "http") + std::string("://h.example/")) == "hello");
    }
}

TEST_CASE("redirects are followed as far as they may go", "[net][unit]") {
  made_up_web web;
  web.open("h.example", [](visit& v) {
    const int n = std::stoi(v.request.substr(5));
    v.send(n == 0 ? answer("there") : redirect(302, "/" + std::to_string(n - 1)));
  });
  const auto out = web.fetch({.url = "http://h.example/5"});
  REQUIRE(out);
  CHECK(out->redirects == 5);
  CHECK(out->url == "http://h.example/0");
  CHECK(web.get("http://h.example/6") == "too_many_redirects");
  CHECK(web.get("http://h.example/1", {.redirects_max = 1}) == "there");
  CHECK(web.get("http://h.example/2", {.redirects_max = 1}) == "too_many_redirects");
  const auto none = web.fetch({.url = "http://h.example/1"}, {.redirects_max = 0});
  REQUIRE(none);
  CHECK(none->response.status == 302);
}

TEST_CASE("redirects in circles are noticed", "[net][unit]") {
  made_up_web web;
  web.open("a.example", redirect(301, "http://b.example/"));
  web.open("b.example", redirect(308, "http://c.example/x/../"));
  web.open("c.example", redirect(307, "//a.example:80"));
  web.open("self.example", redirect(302, "#there"));
  CHECK(web.get("http://a.example/") == "redirect_cycle");
  CHECK(web.requests.size() == 3);
  CHECK(web.get("http://self.example/") == "redirect_cycle");
}

TEST_CASE("a redirect may lead from http to https, and never back", "[net][unit]") {
  made_up_web web;
  web.open("up.example", redirect(301, "https://safe.example/"));
  web.open("safe.example", answer("safe"), true);
  web.open("down.example", redirect(301, "http://plain.example/"), true);
  web.open("plain.example", answer("plain"));
  CHECK(web.get("http://up.example/") == "safe");
  CHECK(web.get("https://down.example/") == "downgrade");
  CHECK(web.requests.size() == 3);
}

TEST_CASE("a redirect to what is not fetched is refused", "[net][unit]") {
  for (const auto& [where, code] : std::map<std::string, std::string>{
           {"ftp://h.example/", "scheme_refused"},
           {"file:///etc/passwd", "scheme_refused"},
           {"http://user:pw@h.example/", "bad_url"},
           {"http://127.1/", "bad_url"},
           {"http://0x7f000001/", "bad_url"},
           {"http://2130706433/", "bad_url"},
           {"http://h.example:99999/", "bad_url"},
           {"http://h.example/a b", "bad_url"},
           {"http://127.0.0.1/", "address_private"},
           {"http://localhost/", "address_private"},
           {"http://[::1]/", "address_private"},
           {"http://[::ffff:10.0.0.1]/", "address_private"},
           {"http://inside.example/", "address_private"},
       }) {
    made_up_web web;
    web.open("inside.example", answer("secret"));
    web.world.world.set_address("inside.example", *ip_address::parse("192.168.0.1"));
    web.world.world.network_of("::ffff:10.0.0.1");
    web.open("h.example", redirect(302, where));
    CAPTURE(where);
    CHECK(web.get("http://h.example/") == code);
    CHECK(web.requests.size() == 1);
  }
  made_up_web web;
  web.open("two.example", "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n");
  CHECK(web.get("http://two.example/") == "timeout"); // its body has no end
  web.open("three.example", "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n"
                            "Content-Length: 0\r\n\r\n");
  CHECK(web.get("http://three.example/") == "bad_response");
}

TEST_CASE("methods, bodies and secrets go along with a redirect only as they should",
          "[net][unit]") {
  struct expectation {
    int status;
    std::string method, then;
    bool body;
  };
  for (const expectation& e : std::vector<expectation>{{301, "POST", "GET", false},
                                                       {302, "POST", "GET", false},
                                                       {303, "POST", "GET", false},
                                                       {307, "POST", "POST", true},
                                                       {308, "POST", "POST", true},
                                                       {301, "PUT", "PUT", true},
                                                       {303, "PUT", "GET", false},
                                                       {303, "HEAD", "HEAD", true},
                                                       {302, "GET", "GET", true}})
    for (const bool away : {true, false}) {
      made_up_web web;
      web.open("h.example", [&](visit& v) {
        v.send(has(v.request, " /start ")
                   ? redirect(e.status, away ? "http://other.example/end" : "/end")
                   : answer(""));
      });
      web.open("other.example", answer(""));
      fetch_request r{.url = "http://h.example/start", .method = e.method};
      r.headers.add("Authorization", "Bearer t");
      r.headers.add("Signature", "s");
      r.headers.add("Content-Type", "text/plain");
      r.headers.add("X", "y");
      r.body = slice::copy_of(as_bytes("body"));
      CHECK(web.fetch(r));
      REQUIRE(web.requests.size() == 2);
      const std::string& then = web.requests[1];
      CAPTURE(e.status, e.method, away, then);
      CHECK(then.starts_with(e.then + " /end HTTP/1.1\r\n"));
      CHECK(then.ends_with("\r\n\r\nbody") == e.body);
      CHECK(has(then, "Content-Type") == e.body);
      CHECK(has(then, "Authorization") == !away);
      CHECK(has(then, "Signature") == !away);
      CHECK(has(then, "X: y"));
    }
}

TEST_CASE("private addresses are not fetched from, but with the test switch", "[net][unit]") {
  for (const bool allow : {false, true}) {
    made_up_web web({.allow_private = allow});
    web.open("inside.example", answer("secret"));
    web.world.world.set_address("inside.example", *ip_address::parse("10.1.2.3"));
    web.open("client", answer("myself"));
    for (const char* const host : {"192.168.7.7", "169.254.169.254", "fd00::1"})
      web.open(host, [](visit&) {}); // so that there is somebody
    CHECK(web.get("http://inside.example/") == (allow ? "secret" : "address_private"));
    CHECK(web.get("http://localhost/") == (allow ? "myself" : "address_private"));
    CHECK(web.get("http://127.0.0.1/") == (allow ? "myself" : "address_private"));
    CHECK(web.get("http://[::1]/") == (allow ? "myself" : "address_private"));
    CHECK(web.get("http://0.0.0.0/") == (allow ? "myself" : "address_private"));
    if (allow) continue;
    CHECK(web.get("http://192.168.7.7/") == "address_private");
    CHECK(web.get("http://169.254.169.254/latest/meta-data/") == "address_private");
    CHECK(web.get("http://[fd00::1]/") == "address_private");
    CHECK(web.requests.empty());
  }
}

TEST_CASE("a name that moves to a private address between two hops is refused", "[net][unit]") {
  made_up_web web;
  web.open("rebind.example", [&](visit& v) {
    web.world.world.set_address("rebind.example", *ip_address::parse("127.0.0.1"));
    v.send(redirect(302, "/again"));
  });
  CHECK(web.get("http://rebind.example/") == "address_private");
  CHECK(web.requests.size() == 1);
}

TEST_CASE("whom the certificate does not name is not fetched from", "[net][unit]") {
  made_up_web misnamed;
  misnamed.certificates["safe.example"] = serve(misnamed.ca.issue({"other.example"}));
  misnamed.open("safe.example", answer("safe"), true);
  const auto other = misnamed.fetch({.url = "https://safe.example/"});
  REQUIRE_FALSE(other);
  CHECK(other.error().code == "tls_failed");
  CHECK(has(other.error().context, "hostname mismatch"));
  CHECK(misnamed.requests.empty());

  made_up_web strangers;
  strangers.ca = authority("Strangers");
  strangers.open("safe.example", answer("safe"), true);
  const auto unknown = strangers.fetch({.url = "https://safe.example/"});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == "tls_failed");
  CHECK(has(unknown.error().context, "unable to get local issuer"));
  CHECK(strangers.requests.empty());

  made_up_web late;
  late.open("safe.example", answer("safe"), true);
  CHECK(late.get("https://safe.example/") == "safe");
  late.world.world.run_for(std::chrono::hours(24 * 91));
  const auto expired = late.fetch({.url = "https://safe.example/"});
  REQUIRE_FALSE(expired);
  CHECK(expired.error().code == "tls_failed");
  CHECK(has(expired.error().context, "expired"));

  made_up_web mute;
  mute.open(
      "h.example", [](visit&) {}, false, 443); // no TLS there, and no word
  CHECK(mute.get("https://h.example/", {.time_max = 60s}) == "timeout");
}

TEST_CASE("a fetch ends on time, whatever the site does", "[net][unit]") {
  made_up_web web;
  web.open("mute.example", [](visit&) {});
  web.open(
      "mute.example", [](visit&) {}, true);
  const auto endless = [&](const std::string& start, const std::string& more, bool secure,
                           const std::string& host) {
    web.open(
        host,
        [&web, start, more, host](visit& v) {
          v.send(start);
          const auto again = std::make_shared<std::function<void()>>();
          *again = [&web, &s = v.stream, more, host, weak = std::weak_ptr(again)] {
            s.write(to_bytes(as_bytes(more)));
            if (const auto self = weak.lock())
              web.world.world.reactor_of(host).after(100ms, [self] { (*self)(); });
          };
          (*again)();
        },
        secure);
  };
  endless("HTTP/1.1 200 OK\r\n", "A", false, "head.example");
  endless("HTTP/1.1 200 OK\r\n\r\n", "A", false, "body.example");
  endless("HTTP/1.1 200 OK\r\n\r\n", "A", true, "safe.example");
  endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nA\r\n", false,
          "chunks.example");
  endless("", "HTTP/1.1 102 Wait\r\n\r\n", false, "interim.example");
  for (const std::string& url :
       {std::string("http://mute.example/"), std::string("https://mute.example/"),
        std::string("http://head.example/"), std::string("http://body.example/"),
        std::string("https://safe.example/"), std::string("http://chunks.example/")}) {
    const time_point begin = web.world.clock.now();
    CAPTURE(url);
    CHECK(web.get(url, {.time_max = 7s}) == "timeout");
    CHECK(web.world.clock.now() - begin == 7s);
  }
  CHECK(web.get("http://interim.example/") == "bad_response");
  // The time is that of all hops together.
  web.open("slow.example", [&](visit& v) {
    web.world.world.reactor_of("slow.example").after(3s, [&s = v.stream, r = v.request] {
      const int n = std::stoi(r.substr(5));
      s.write(to_bytes(as_bytes(redirect(302, "/" + std::to_string(n + 1)))));
    });
  });
  const time_point begin = web.world.clock.now();
  CHECK(web.get("http://slow.example/1", {.time_max = 7s}) == "timeout");
  CHECK(web.world.clock.now() - begin == 7s);
}

TEST_CASE("a fast and endless head or body is cut off at its limit", "[net][unit]") {
  made_up_web web;
  std::size_t sent = 0;
  const auto flood = [&](const std::string& start) {
    return [&, start](visit& v) {
      sent = 0;
      v.send(start);
      const auto again = std::make_shared<std::function<void()>>();
      *again = [&web, &sent, &s = v.stream, weak = std::weak_ptr(again)] {
        if (s.unsent() < 100'000) s.write(bytes(100'000, 'a')), sent += 100'000;
        if (const auto self = weak.lock())
          web.world.world.reactor_of("h.example").after(1ms, [self] { (*self)(); });
      };
      (*again)();
    };
  };
  web.open("h.example", flood("HTTP/1.1 200 OK\r\nX: "));
  web.open("b.example", flood("HTTP/1.1 200 OK\r\n\r\n"));
  CHECK(web.get("http://h.example/") == "too_large");
  CHECK(sent < 2 << 20);
  CHECK(web.get("http://b.example/") == "too_large");
  CHECK(sent < 4 << 20);
}

TEST_CASE("a site that is not there is an error of the connection", "[net][unit]") {
  made_up_web web;
  web.open("h.example", answer(""));
  CHECK(web.get("http://nobody.example/") == "host_not_found");
  CHECK(web.get("http://h.example:81/") == "connection_refused");
  web.world.world.set_link("client", "h.example", {.black_hole = true});
  const time_point begin = web.world.clock.now();
  CHECK(web.get("http://h.example/") == "connect_timeout");
  CHECK(web.world.clock.now() - begin == 10s);
  made_up_web broken;
  broken.open("h.example", [&](visit& v) {
    v.send("HTTP/1.1 200 OK\r\n\r\nhel");
    broken.world.world.reactor_of("h.example").after(1s, [&] {
      broken.world.world.drop_connections("client", "h.example");
    });
  });
  CHECK(broken.get("http://h.example/") == "connection_reset");
}

TEST_CASE("a cancelled fetch says nothing more, and its connection ends", "[net][unit]") {
  made_up_web web;
  web.open("h.example", [](visit&) {});
  int called = 0;
  const auto count = [&](auto) { ++called; };
  for (const duration wait : {0ms, 1ms, 3ms, 1000ms}) {
    const fetch_id id = web.client->fetch({.url = "http://h.example/"}, {}, count);
    web.world.world.run_for(wait);
    CHECK(web.client->active() == 1);
    web.client->cancel(id);
    CHECK(web.client->active() == 0);
    web.client->cancel(id);
    web.client->cancel(id + 1);
  }
  web.world.world.run_for(300s);
  CHECK(called == 0);
  // The client goes while fetches are under way, from within one's own handler even.
  web.open("ok.example", answer("ok"));
  web.client->fetch({.url = "http://h.example/"}, {}, count);
  web.client->fetch({.url = "http://ok.example/"}, {}, [&](auto out) {
    CHECK(out);
    ++called;
    web.client.reset();
  });
  web.world.world.run_for(300s);
  CHECK(called == 1);
  CHECK_FALSE(web.client);
}

TEST_CASE("more fetches than there may be are refused", "[net][unit]") {
  made_up_web web({.fetches_max = 3});
  web.open("h.example", answer("ok"));
  std::map<std::string, int> outcomes;
  for (int i = 0; i < 5; ++i)
    web.client->fetch({.url = "http://h.example/"}, {},
                      [&](auto out) { ++outcomes[out ? "ok" : out.error().code]; });
  web.world.world.run_for(60s);
  CHECK(outcomes == std::map<std::string, int>{{"ok", 3}, {"too_many_fetches", 2}});
  CHECK(web.get("http://h.example/") == "ok");
}
