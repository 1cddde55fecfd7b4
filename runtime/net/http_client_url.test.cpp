// Which URLs are fetched, and what a redirect's Location means.
#include "runtime/net/http_client_url.hpp"

#include "runtime/net/http_client.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;

namespace {

std::string outcome(const result<http_url>& url) { return url ? url->text() : url.error().code; }
std::string parsed(std::string_view text) { return outcome(parse_http_url(text)); }

} // namespace

TEST_CASE("a URL is taken apart", "[net][unit]") {
  const http_url url = parse_http_url("https://Node.Example:8443/a%20b/c;d?q=1&r=%2F#part").value();
  CHECK(url.secure);
  CHECK(url.host == "node.example");
  CHECK(url.port == 8443);
  CHECK(url.target == "/a%20b/c;d?q=1&r=%2F");
  CHECK(url.authority() == "node.example:8443");
  CHECK(url.address() == "node.example:8443");
  CHECK(url.text() == "https://node.example:8443/a%20b/c;d?q=1&r=%2F");
  CHECK(url.origin() == "https://node.example:8443");

  const http_url v6 = parse_http_url("http://[2001:DB8:0::1]?x").value();
  CHECK(v6.host == "2001:db8::1");
  CHECK(v6.authority() == "[2001:db8::1]");
  CHECK(v6.address() == "[2001:db8::1]:80");
  CHECK(v6.target == "/?x");
}

TEST_CASE("ways to write one URL become one text", "[net][unit]") {
  CHECK(parsed("HTTP://EXAMPLE.com") == "http://example.com/");
  CHECK(parsed("http://example.com:80/") == "http://example.com/");
  CHECK(parsed("http://example.com:/") == "http://example.com/");
  CHECK(parsed("https://example.com:443/") == "https://example.com/");
  CHECK(parsed("https://example.com:80/") == "https://example.com:80/");
  CHECK(parsed("https://example.com./x") == "https://example.com/x");
  CHECK(parsed("http://192.0.2.1/") == "http://192.0.2.1/");
  CHECK(parsed("http://a_b.xn--bcher-kva.example/") == "http://a_b.xn--bcher-kva.example/");
  CHECK(parsed("http://localhost/") == "http://localhost/");
}

TEST_CASE("what is not fetched is refused with its code", "[net][unit]") {
  for (const char* const text :
       {"ftp://example.com/", "file:///etc/passwd", "gopher://h/", "data:,x", "unix:/run/x",
        "ws://h/", "javascript:alert(1)", "httpx://h/"})
    CHECK(parsed(text) == "scheme_refused");
  for (const std::string_view text : {std::string_view(""),
                                      std::string_view("example.com"),
                                      std::string_view("//example.com/"),
                                      std::string_view("/path"),
                                      std::string_view("http:"),
                                      std::string_view("http:/x"),
                                      std::string_view("http:///x"),
                                      std::string_view("http://"),
                                      std::string_view("http://:80/"),
                                      std::string_view("http://user@example.com/"),
                                      std::string_view("http://user:pw@h.example/"),
                                      std::string_view("http://@example.com/"),
                                      std::string_view("http://h.example:0/"),
                                      std::string_view("http://h.example:65536/"),
                                      std::string_view("http://h.example:65616/"),
                                      std::string_view("http://h.example:99999/"),
                                      std::string_view("http://h.example:99999999999/"),
                                      std::string_view("http://h.example:8x/"),
                                      std::string_view("http://h.example/a b"),
                                      std::string_view("http://h.example/a\r\nX: y"),
                                      std::string_view("http://h.example/\0", 18),
                                      std::string_view("http://h.example/%zz"),
                                      std::string_view("http://h.example/\xc3\xa9"),
                                      std::string_view("http://b\xc3\xbc"
                                                       "cher.example/"),
                                      std::string_view("http://h%61.example/"),
                                      std::string_view("http://h!.example/"),
                                      std::string_view("http://h..example/"),
                                      std::string_view("http://.example/"),
                                      std::string_view("http://./"),
                                      std::string_view("http://[v1.x]/"),
                                      std::string_view("http://[::1/"),
                                      std::string_view("http://[fe80::1%25eth0]/"),
                                      std::string_view("http://h.example\\@evil/"),
                                      std::string_view(" http://h.example/"),
                                      std::string_view("http://h.example/ ")})
    CHECK(parsed(text) == "bad_url");
  CHECK(parsed("http://" + std::string(64, 'a') + ".example/") == "bad_url");
  std::string labels = "a";
  for (int i = 0; i < 127; ++i) labels += ".a";
  CHECK(parsed("http://" + labels + "/") == "bad_url"); // 255 bytes
  const std::string fits = "http://h/" + std::string(http_client::url_size_max - 9, 'a');
  CHECK(parsed(fits) == fits);
  CHECK(parsed(fits + "a") == "bad_url");
}

TEST_CASE("a host that is a number in any but the plain notation is refused", "[net][unit]") {
  for (const char* const host : {"2130706433",
                                 "0x7f000001",
                                 "0X7F000001",
                                 "017700000001",
                                 "0177.0.0.1",
                                 "0x7f.0.0.1",
                                 "0x7f.1",
                                 "127.1",
                                 "127.0.1",
                                 "127.0.0.01",
                                 "127.0.0.1.1",
                                 "1.2.3.256",
                                 "256",
                                 "0",
                                 "0x",
                                 "a.0x7f",
                                 "a.1",
                                 "1.2.3.4.",
                                 "127.0.0.1..",
                                 "127.0.0.1.evil.example",
                                 "127.0.0.1evil.example",
                                 "8.8.8.8:80.evil.example",
                                 "[::1]evil.example",
                                 "[::1].evil.example",
                                 "%31%32%37.0.0.1",
                                 "127.0.0.1%00"}) {
    CAPTURE(host);
    const std::string text = std::string("http://") + host + "/";
    CHECK(parsed(text) == "bad_url");
  }
  CHECK(parsed("http://1a/") == "http://1a/");
  CHECK(parsed("http://0xg/") == "http://0xg/");
}

TEST_CASE("an error shows neither credentials nor a whole long URL", "[net][unit]") {
  const auto secret = parse_http_url("http://name:hunter2@example.com/");
  REQUIRE_FALSE(secret);
  CHECK(secret.error().context.find("hunter2") == std::string::npos);
  const auto long_one = parse_http_url("http://" + std::string(5000, '!') + "/");
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().context.size() < 300);
}

TEST_CASE("references resolve as RFC 3986 section 5.4 says", "[net][vector]") {
  const http_url base = parse_http_url("http://a/b/c/d;p?q").value();
  const std::vector<std::pair<std::string, std::string>> all = {
      // Normal examples.
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {"g?y#s", "http://a/b/c/g?y"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      // Abnormal ones.
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"../../..", "http://a/"},
      {"../../../?y", "http://a/?y"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"https://other.example/x", "https://other.example/x"},
      // Refused.
      {"g:h", "scheme_refused"},
      {"http:g", "bad_url"},
      {"//user@evil.example/", "bad_url"},
      {"//127.1/", "bad_url"},
      {"//", "bad_url"},
      {"//h.example:99999/", "bad_url"},
      {"http://h.example:99999/", "bad_url"},
      {"//h.example/a/../b", "http://h.example/b"},
      {"http://h.example/a/./../..//b/..", "http://h.example//"},
      {"1:2", "bad_url"},
      {"./1:2", "http://a/b/c/1:2"},
      {"g h", "bad_url"},
      {"\\\\evil", "bad_url"},
  };
  for (const auto& [reference, expected] : all) {
    CAPTURE(reference);
    CHECK(outcome(resolve_http_url(base, reference)) == expected);
  }
  CHECK(outcome(resolve_http_url(base, std::string(http_client::url_size_max + 1, 'a'))) ==
        "bad_url");
}
