// What counts as public, and that a dial asks before it reaches anything: on the real network with
// every notation that the system's resolver takes for a number, and on the simulated one.
#include "runtime/net/address_guard.hpp"
#include "runtime/net/tls_test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::net;
using namespace kith::net::test;
using namespace std::chrono_literals;

namespace {

std::string purpose(const std::string& text) {
  const auto a = ip_address::parse(text);
  REQUIRE(a);
  return std::string(special_purpose(*a));
}

} // namespace

TEST_CASE("IP addresses are read strictly and written canonically", "[net][unit]") {
  for (const char* const good : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1",
                                 "2001:db8::1", "fe80::1", "::ffff:192.0.2.1"}) {
    const auto a = ip_address::parse(good);
    REQUIRE(a);
    CHECK(a->text() == good);
  }
  CHECK(ip_address::parse("2001:DB8:0:0:0:0:0:1")->text() == "2001:db8::1");
  CHECK(ip_address::parse("192.0.2.1")->octets().size() == 4);
  CHECK(ip_address::parse("::ffff:192.0.2.1")->octets().size() == 16);
  CHECK(ip_address::parse("192.0.2.1") != ip_address::parse("::ffff:192.0.2.1"));
  for (const std::string_view bad :
       {std::string_view(""), std::string_view("1"), std::string_view("127.1"),
        std::string_view("0177.0.0.1"), std::string_view("0x7f.0.0.1"),
        std::string_view("2130706433"), std::string_view("1.2.3.256"), std::string_view("1.2.3.4 "),
        std::string_view("1.2.3.4.5"), std::string_view("[::1]"), std::string_view("fe80::1%eth0"),
        std::string_view("1:2"), std::string_view(":::"), std::string_view("1.2.3.4\0", 8),
        std::string_view("localhost")})
    CHECK_FALSE(ip_address::parse(bad));
}

TEST_CASE("every special-purpose block is known, from its first to its last address",
          "[net][vector]") {
  const std::vector<std::array<std::string, 3>> blocks = {
      {"0.0.0.0", "0.255.255.255", "unspecified"},
      {"10.0.0.0", "10.255.255.255", "private"},
      {"100.64.0.0", "100.127.255.255", "shared"},
      {"127.0.0.0", "127.255.255.255", "loopback"},
      {"169.254.0.0", "169.254.255.255", "link-local"},
      {"172.16.0.0", "172.31.255.255", "private"},
      {"192.0.0.0", "192.0.0.255", "reserved"},
      {"192.0.2.0", "192.0.2.255", "documentation"},
      {"192.88.99.0", "192.88.99.255", "reserved"},
      {"192.168.0.0", "192.168.255.255", "private"},
      {"198.18.0.0", "198.19.255.255", "benchmarking"},
      {"198.51.100.0", "198.51.100.255", "documentation"},
      {"203.0.113.0", "203.0.113.255", "documentation"},
      {"224.0.0.0", "239.255.255.255", "multicast"},
      {"240.0.0.0", "255.255.255.255", "reserved"},
      {"::", "::", "unspecified"},
      {"::1", "::1", "loopback"},
      {"::2", "::ffff", "reserved"},
      {"::127.0.0.1", "::8.8.8.8", "reserved"}, // IPv4-compatible, long given up
      {"::ffff:127.0.0.1", "::ffff:127.255.255.255", "loopback"},
      {"::ffff:10.0.0.1", "::ffff:10.9.8.7", "private"},
      {"::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "reserved"}, // IPv4-translated
      {"64:ff9b::127.0.0.1", "64:ff9b::127.0.0.1", "loopback"},
      {"64:ff9b::a9fe:a9fe", "64:ff9b::a9fe:a9fe", "link-local"},
      {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:808:808", "reserved"},
      {"100::", "100::ffff:ffff:ffff:ffff", "reserved"},
      {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "protocol assignment"},
      {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
      {"2002:7f00:1::", "2002:7f00:1:ffff:ffff:ffff:ffff:ffff", "loopback"},
      {"2002:c0a8:101::1", "2002:c0a8:101::1", "private"},
      {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
      {"4000::", "5f00::1", "reserved"},
      {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local"},
      {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"},
      {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"},
      {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
  };
  for (const auto& [first, last, name] : blocks) {
    CAPTURE(first, last);
    CHECK(purpose(first) == name);
    CHECK(purpose(last) == name);
  }
}

TEST_CASE("the neighbours of special-purpose blocks are public", "[net][vector]") {
  for (const char* const one :
       {"1.0.0.0",         "9.255.255.255",    "11.0.0.0",       "100.63.255.255",
        "100.128.0.0",     "126.255.255.255",  "128.0.0.0",      "169.253.255.255",
        "169.255.0.0",     "172.15.255.255",   "172.32.0.0",     "191.255.255.255",
        "192.0.1.0",       "192.0.3.0",        "192.88.98.255",  "192.88.100.0",
        "192.167.255.255", "192.169.0.0",      "198.17.255.255", "198.20.0.0",
        "198.51.99.255",   "198.51.101.0",     "203.0.112.255",  "203.0.114.0",
        "223.255.255.255", "2000::",           "2001:200::",     "2001:db7:ffff::",
        "2001:db9::",      "2606:4700::1111",  "3ffe:ffff::",    "3fff:1000::",
        "::ffff:8.8.8.8",  "64:ff9b::808:808", "2002:808:808::1"}) {
    CAPTURE(one);
    CHECK(is_public(*ip_address::parse(one)));
  }
}

TEMPLATE_TEST_CASE("a dial reaches only what its filter allows", "[net][unit]", real_world,
                   made_up_world) {
  TestType world;
  std::unique_ptr<listener> port;
  int accepted = 0;
  std::string outcome;
  std::vector<std::string> asked;
  const auto dial = [&](const std::string& to, address_filter allow) {
    outcome.clear();
    asked.clear();
    world.on_reactor([&] {
      connect_options options{.timeout = 30s};
      options.allow = [&, allow](const ip_address& a) {
        asked.push_back(a.text());
        return allow(a);
      };
      world.network().connect(to, std::move(options), [&](auto s) {
        outcome = s ? "connected" : s.error().code;
        world.changed();
      });
      CHECK(outcome.empty()); // never from within the call
    });
    REQUIRE(world.wait([&] { return !outcome.empty(); }));
    return outcome;
  };
  world.on_reactor(
      [&] { port = world.network().listen("127.0.0.1:0", [&](auto) { ++accepted; }).value(); });
  const std::string number = std::to_string(port->local_port());
  const auto all = [](const ip_address&) { return true; };
  CHECK(dial("127.0.0.1:" + number, all) == "connected");
  CHECK(asked == std::vector<std::string>{"127.0.0.1"});
  CHECK(world.wait([&] {
    if (accepted == 1) return true;
    return false;
  }));
  CHECK(dial("127.0.0.1:" + number, public_addresses_only()) == "address_refused");
  CHECK(asked == std::vector<std::string>{"127.0.0.1"});
  CHECK(dial("localhost:" + number, public_addresses_only()) == "address_refused");
  CHECK_FALSE(asked.empty()); // what the name stands for
  CHECK(dial("[::1]:" + number, public_addresses_only()) == "address_refused");
  CHECK(dial("0.0.0.0:" + number, public_addresses_only()) == "address_refused");
  CHECK(dial("unix:/tmp/kith-no-such.sock", all) == "address_refused");
  CHECK(asked.empty());
  CHECK(accepted == 1);
  world.on_reactor([&] { port.reset(); });
}

TEST_CASE("whatever notation the resolver takes for a private address, the dial is refused",
          "[net][unit]") {
  real_world world;
  for (const std::string& to :
       {std::string("2130706433:1"), std::string("0x7f000001:1"), std::string("017700000001:1"),
        std::string("0177.0.0.1:1"), std::string("0x7f.1:1"), std::string("127.1:1"),
        std::string("127.0.1:1"), std::string("0:1"), std::string("0x0a000001:1"),
        std::string("3232235777:1"), std::string("[::ffff:127.0.0.1]:1"),
        std::string("[::ffff:7f00:1]:1"), std::string("[0:0:0:0:0:ffff:a00:1]:1"),
        std::string("[fe80::1]:1"), std::string("[2002:7f00:1::]:1"),
        std::string("[64:ff9b::7f00:1]:1"), std::string("[::]:1"),
        std::string("169.254.169.254:80")}) {
    std::string outcome;
    world.on_reactor([&] {
      world.network().connect(to, connect_options{.timeout = 30s, .allow = public_addresses_only()},
                              [&](auto s) {
                                outcome = s ? "connected" : s.error().code;
                                world.changed();
                              });
    });
    REQUIRE(world.wait([&] { return !outcome.empty(); }));
    CAPTURE(to);
    CHECK(outcome == "address_refused");
  }
}
