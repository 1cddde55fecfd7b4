// Addresses and lines: what people and programs write.
#include "runtime/base/random.hpp"
#include "runtime/net/line_reader.hpp"
#include "runtime/net/network.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;

TEST_CASE("addresses are read and written alike", "[net][unit]") {
  for (const char* text : {"127.0.0.1:0", "[::1]:4711", "node-1.example:65535", "unix:/run/kith/c"})
    CHECK(parse_address(text).value().text() == text);
  CHECK(parse_address("[2001:db8::1]:80")->host == "2001:db8::1");
  CHECK(parse_address("h:80")->port == 80);
  CHECK(parse_address("unix:relative")->path == "relative");
}

TEST_CASE("what is no address is refused", "[net][unit]") {
  using namespace std::literals;
  for (const std::string_view text :
       {""sv, ":"sv, "host"sv, "host:"sv, ":80"sv, "host:65536"sv, "host:-1"sv, "host:8o"sv,
        "host:80 "sv, "::1:80"sv, "[::1]"sv, "[::1]80"sv, "[]:80"sv, "[h]:80"sv, "[::1:80"sv,
        "unix:"sv, "a b:1"sv, "a/b:1"sv, "h\0:1"sv}) {
    CAPTURE(text);
    const auto a = parse_address(text);
    REQUIRE_FALSE(a);
    CHECK(a.error().code == "bad_address");
  }
  CHECK_FALSE(parse_address("unix:/" + std::string(5000, 'x')));
}

TEST_CASE("lines come out the same wherever the bytes are cut", "[net][property]") {
  const std::string text = "one\r\n\ntwo words\nthree\rstill three\n" + std::string(50, 'x') + "\n";
  const std::vector<std::string> expected = {"one", "", "two words", "three\rstill three",
                                             std::string(50, 'x')};
  seeded_random random(3);
  for (int round = 0; round < 500; ++round) {
    line_reader reader(50);
    std::vector<std::string> got;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t count = std::min<std::size_t>(1 + random.below(20), text.size() - at);
      REQUIRE(reader.feed(as_bytes(std::string_view(text).substr(at, count)),
                          [&](std::string_view line) { return got.emplace_back(line), true; }));
      at += count;
    }
    CHECK(got == expected);
    CHECK(reader.pending() == 0);
  }
}

TEST_CASE("a line past the limit is refused whether or not it ends", "[net][unit]") {
  const auto count = [](line_reader& r, std::string_view text) {
    int lines = 0;
    const auto ok = r.feed(as_bytes(text), [&](std::string_view) { return ++lines, true; });
    return ok ? lines : -1;
  };
  line_reader exact(5), over(5), open(5), slow(5), crlf(5);
  CHECK(count(exact, "12345\n") == 1);
  CHECK(count(crlf, "12345\r\n12345\r") == 1);
  CHECK(count(crlf, "\n") == 1);
  CHECK(count(over, "123456\n") == -1);
  CHECK(count(over, "1\n") == -1); // and stays refused
  CHECK(count(open, "123456") == -1);
  CHECK(count(slow, "12345") == 0);
  CHECK(count(slow, "6") == -1);
}

TEST_CASE("a handler that says stop gets the other lines with the next bytes", "[net][unit]") {
  line_reader reader(10);
  std::string got;
  const auto one = [&](std::string_view line) { return got += line, false; };
  CHECK(reader.feed(as_bytes("a\nb\nc"), one));
  CHECK(got == "a");
  CHECK(reader.pending() == 3);
  CHECK(reader.feed({}, one));
  CHECK(got == "ab");
  CHECK(reader.feed(as_bytes("\n"), one));
  CHECK(got == "abc");
}
