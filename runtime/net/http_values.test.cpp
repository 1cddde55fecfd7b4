// HTTP messages as values, and their small helpers.
#include "runtime/net/http.hpp"
#include "runtime/net/http_writer.hpp"

#include <kith/json.hpp>

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;

TEST_CASE("headers keep their order and find names in any case", "[net][unit]") {
  http_headers h;
  h.add("Host", "a");
  h.add("X-One", "1");
  h.add("x-one", "2");
  CHECK(h.size() == 3);
  CHECK(h.find("HOST") == "a");
  CHECK(h.find("x-ONE") == "1");
  CHECK(h["none"].empty());
  CHECK_FALSE(h.find("none"));
  CHECK(h.count("X-One") == 2);
  CHECK(h.joined("X-One") == "1, 2");
  CHECK_FALSE(h.joined("none"));
  std::string all;
  for (const auto [name, value] : h) all += std::string(name) + "=" + std::string(value) + ";";
  CHECK(all == "Host=a;X-One=1;x-one=2;");
  h.set("X-ONE", h["Host"]); // a view into itself
  CHECK(h.size() == 2);
  CHECK(h.find("x-one") == "a");
  h.erase("host");
  CHECK(h.size() == 1);
  CHECK(h.at(0).name == "X-ONE");
}

TEST_CASE("headers find a token in lists", "[net][unit]") {
  http_headers h;
  h.add("Connection", "keep-alive ,\tUpgrade");
  h.add("connection", "x");
  CHECK(h.has_token("Connection", "upgrade"));
  CHECK(h.has_token("Connection", "KEEP-alive"));
  CHECK(h.has_token("Connection", "x"));
  CHECK_FALSE(h.has_token("Connection", "keep"));
  CHECK_FALSE(h.has_token("Connection", "keep-alive ,"));
  CHECK_FALSE(h.has_token("None", "x"));
}

TEST_CASE("request takes its target apart", "[net][unit]") {
  struct row {
    std::string target, path, query, authority;
  };
  const row rows[] = {
      {"/", "/", "", "host"},
      {"/a/b?c=d?e", "/a/b", "c=d?e", "host"},
      {"/a?", "/a", "", "host"},
      {"/a?u=http://x/y", "/a", "u=http://x/y", "host"},
      {"//a", "//a", "", "host"},
      {"http://x:1", "/", "", "x:1"},
      {"http://x:1?q", "/", "q", "x:1"},
      {"https://x/p/q?r", "/p/q", "r", "x"},
      {"*", "*", "", "host"},
  };
  for (const auto& row : rows) {
    INFO(row.target);
    http_request r;
    r.target = row.target;
    r.headers.add("Host", "host");
    CHECK(r.path() == row.path);
    CHECK(r.query() == row.query);
    CHECK(r.authority() == row.authority);
  }
}

TEST_CASE("problem details say what happened as RFC 9457 wants", "[net][unit]") {
  const auto r = http_response::problem(404, "no \"such\" thing", "not_here");
  CHECK(r.status == 404);
  CHECK(r.headers["content-type"] == "application/problem+json");
  const auto j = json::parse(as_text(r.body));
  REQUIRE(j);
  CHECK((*j)["type"].as_string() == "about:blank");
  CHECK((*j)["title"].as_string() == "Not Found");
  CHECK((*j)["status"].as_int() == 404);
  CHECK((*j)["detail"].as_string() == "no \"such\" thing");
  CHECK((*j)["code"].as_string() == "not_here");
  const auto odd = json::parse(as_text(http_response::problem(499, "\xff").body));
  REQUIRE(odd);
  CHECK_FALSE(odd->find("detail"));
  CHECK_FALSE(odd->find("title"));
  CHECK_FALSE(odd->find("code"));
}

TEST_CASE("dates are written as RFC 9110 wants", "[net][vector]") {
  CHECK(http_date(784'111'777'000) == "Sun, 06 Nov 1994 08:49:37 GMT"); // section 5.6.7
  CHECK(http_date(784'111'777'999) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(1'709'164'800'000) == "Thu, 29 Feb 2024 00:00:00 GMT");
}

TEST_CASE("percent encoding is undone, strictly", "[net][unit]") {
  CHECK(percent_decode("a%20b+%C3%a4") == "a b+\xc3\xa4");
  CHECK(percent_decode("") == "");
  CHECK(percent_decode("%00") == std::string(1, '\0'));
  for (const char* bad : {"%", "%2", "a%", "%g0", "%0g", "%%20"}) {
    INFO(bad);
    REQUIRE_FALSE(percent_decode(bad));
    CHECK(percent_decode(bad).error().code == "bad_percent_encoding");
  }
}

TEST_CASE("query values are found by their decoded name", "[net][unit]") {
  CHECK(query_value("a=1&b=2&a=3", "a") == "1");
  CHECK(query_value("a=1&b=2", "b") == "2");
  CHECK(query_value("%61=x%3D", "a") == "x=");
  CHECK(query_value("a", "a") == "");
  CHECK(query_value("a=b=c", "a") == "b=c");
  CHECK_FALSE(query_value("", "a"));
  CHECK_FALSE(query_value("", ""));
  CHECK_FALSE(query_value("&&", ""));
  CHECK_FALSE(query_value("ab=1", "a"));
  CHECK_FALSE(query_value("a=%zz", "a"));
}

TEST_CASE("tokens and values are what may stand in a head", "[net][unit]") {
  CHECK(is_http_token("X-a!#$%&'*+.^_`|~9"));
  for (const char* bad : {"", "a b", "a:", "a\r", "\xc3\xa4", "(", "a\n"})
    CHECK_FALSE(is_http_token(bad));
  CHECK(is_field_value("a\tb \xc3\xa4"));
  CHECK(is_field_value(""));
  CHECK_FALSE(is_field_value("a\r\nb"));
  CHECK_FALSE(is_field_value("a\x7f"));
  CHECK_FALSE(is_field_value(std::string_view("a\0b", 3)));
}

TEST_CASE("head is written with what the server adds", "[net][unit]") {
  auto r = http_response::of(200, "text/plain", "four");
  r.headers.add("Content-Length", "99");
  r.headers.add("transfer-encoding", "x");
  bytes out;
  write_head(out, r, {.date = "D"});
  CHECK(as_text(out) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: D\r\n"
                        "Content-Length: 4\r\n\r\n");
  r.headers.set("Date", "mine");
  out.clear();
  write_head(out, r, {.date = "D", .version = 10, .framing = http_framing::to_end});
  CHECK(as_text(out) == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: mine\r\n"
                        "Connection: keep-alive\r\n\r\n");
  out.clear();
  write_chunk(out, as_bytes(std::string(300, 'a')));
  CHECK(as_text(out) == "12c\r\n" + std::string(300, 'a') + "\r\n");
}
