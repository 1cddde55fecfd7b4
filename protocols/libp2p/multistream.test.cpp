// multistream-select against the exchanges of its specification, and against peers that do not keep
// to it.
#include "protocols/libp2p/multistream.hpp"

#include "protocols/libp2p/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::libp2p;

static bytes message(std::string_view text) {
  bytes out;
  put_multistream_message(out, text);
  return out;
}
static bytes joined(std::initializer_list<std::string_view> texts) {
  bytes out;
  for (auto t : texts) put_multistream_message(out, t);
  return out;
}

TEST_CASE("a multistream message is its length, its text and a newline", "[libp2p][vector]") {
  CHECK(to_hex(message("na")) == "036e610a"); // connections/README.md
  CHECK(message("/multistream/1.0.0").front() == 19);
}

TEST_CASE("a dialer proposes with its header and goes on to the next proposal after na",
          "[libp2p][unit]") {
  multistream_dialer dialer({"/tls/1.0.0", "/noise"});
  bytes out;
  dialer.start(out);
  CHECK(out == joined({"/multistream/1.0.0", "/tls/1.0.0"}));
  out.clear();
  auto answer = joined({"/multistream/1.0.0", "na"});
  byte_view in = answer;
  REQUIRE(dialer.receive(in, out));
  CHECK(out == message("/noise"));
  CHECK_FALSE(dialer.agreed());
  answer = message("/noise");
  append(answer, as_bytes("what follows"));
  in = answer;
  REQUIRE(dialer.receive(in, out));
  CHECK(dialer.agreed() == "/noise");
  CHECK(as_text(in) == "what follows");
}

TEST_CASE("a listener refuses with na what it does not speak and echoes what it does",
          "[libp2p][unit]") {
  std::vector<std::string> supported{"/a", "/b"};
  seeded_random random(7);
  for (std::size_t piece_max : {1, 3, 100}) {
    multistream_listener listener(supported);
    auto all = joined({"/multistream/1.0.0", "ls", "/c", "/b"});
    append(all, as_bytes("rest"));
    bytes out, rest;
    test::in_pieces(all, piece_max, random, [&](byte_view in) {
      REQUIRE(listener.receive(in, out));
      append(rest, in);
    });
    CHECK(listener.agreed() == "/b");
    CHECK(as_text(rest) == "rest");
    CHECK(out == joined({"/multistream/1.0.0", "na", "na", "/b"}));
  }
}

TEST_CASE("a multistream dialer fails when nothing is common", "[libp2p][unit]") {
  multistream_dialer dialer({"/a"});
  auto answer = joined({"/multistream/1.0.0", "na"});
  byte_view in = answer;
  bytes out;
  auto r = dialer.receive(in, out);
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "no_common_protocol");
}

TEST_CASE("multistream refuses another header, an unexpected echo and a missing newline",
          "[libp2p][unit]") {
  std::vector<std::string> supported{"/a"};
  bytes no_newline{1, 'x'}, empty{0};
  for (auto& bad : {message("/multistream/2.0.0"), message("na"), no_newline, empty}) {
    multistream_listener listener(supported);
    bytes out;
    byte_view in = bad;
    auto r = listener.receive(in, out);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == "bad_multistream");
    CHECK(out.empty());
  }
  multistream_dialer dialer({"/a"});
  auto answer = joined({"/multistream/1.0.0", "/b"});
  byte_view in = answer;
  bytes out;
  CHECK_FALSE(dialer.receive(in, out));
}

TEST_CASE("multistream refuses a message over 1024 bytes by its length alone", "[libp2p][unit]") {
  std::vector<std::string> supported{"/a"};
  for (auto& prefix : {bytes{0x81, 0x08}, bytes{0xff, 0xff, 0xff, 0xff, 0x7f}}) {
    multistream_listener listener(supported);
    bytes out;
    byte_view in = prefix;
    auto r = listener.receive(in, out);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == "frame_too_large");
  }
  bytes not_minimal{0x80, 0x00};
  multistream_listener listener(supported);
  bytes out;
  byte_view in = not_minimal;
  auto r = listener.receive(in, out);
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "bad_varint");
}

TEST_CASE("a multistream listener gives up on a peer that keeps proposing", "[libp2p][unit]") {
  std::vector<std::string> supported{"/a"};
  multistream_listener listener(supported);
  auto all = message("/multistream/1.0.0");
  for (std::size_t i = 0; i < multistream_refusals_max; ++i) append(all, message("/x"));
  bytes out;
  byte_view in = all;
  auto r = listener.receive(in, out);
  REQUIRE_FALSE(r);
  CHECK(r.error().code == "no_common_protocol");
}

TEST_CASE("a multistream exchange cut short at any byte has agreed on nothing", "[libp2p][unit]") {
  std::vector<std::string> supported{"/a"};
  auto all = joined({"/multistream/1.0.0", "/a"});
  for (std::size_t size = 0; size < all.size(); ++size) {
    multistream_listener listener(supported);
    bytes out;
    byte_view in = byte_view(all).first(size);
    REQUIRE(listener.receive(in, out));
    CHECK_FALSE(listener.agreed());
  }
}
