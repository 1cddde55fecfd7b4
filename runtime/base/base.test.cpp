#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace kith;

TEST_CASE("hexadecimal survives the way there and back, and bad digits are refused",
          "[base][unit]") {
  bytes b{0x00, 0x7f, 0xff};
  CHECK(to_hex(b) == "007fff");
  CHECK(from_hex("007FFF").value() == b);
  CHECK(from_hex("0").error().code == "bad_hex");
  CHECK(from_hex("zz").error().code == "bad_hex");
}

TEST_CASE("varints round-trip and refuse what is too long, cut or not minimal", "[base][unit]") {
  for (std::uint64_t v :
       {std::uint64_t(0), std::uint64_t(127), std::uint64_t(128), std::uint64_t(300),
        std::uint64_t(1) << 35, (std::uint64_t(1) << 63) - 1}) {
    bytes b;
    put_varint(b, v);
    byte_reader r(b);
    CHECK(r.varint() == v);
    CHECK((r.ok() && r.at_end()));
    byte_reader cut(byte_view(b).first(b.size() - 1));
    cut.varint();
    CHECK_FALSE(cut.ok());
  }
  bytes not_minimal{0x80, 0x00};
  byte_reader overlong(not_minimal);
  overlong.varint();
  CHECK_FALSE(overlong.ok());
  bytes ten(10, 0x80);
  byte_reader endless(ten);
  endless.varint();
  CHECK_FALSE(endless.ok());
}

TEST_CASE("a reader that failed once stays failed", "[base][unit]") {
  bytes b{1, 2, 3};
  byte_reader r(b);
  CHECK(r.u16() == 0x0102);
  r.u32();
  CHECK_FALSE(r.ok());
  CHECK(r.u8() == 0);
  bytes long_string{5, 'a', 'b', 'c', 'd', 'e'};
  byte_reader p(long_string);
  p.prefixed(4);
  CHECK_FALSE(p.ok());
}

TEST_CASE("UUIDv7s rise strictly within a millisecond and when the clock steps back",
          "[base][unit]") {
  seeded_random random(1);
  uuid_generator make;
  uuid last{};
  std::set<uuid> seen;
  for (int i = 0; i < 20000; ++i) {
    auto u = make.next(i < 10000 ? 1'700'000'000'000 : 1'600'000'000'000, random);
    REQUIRE(u > last);
    REQUIRE((u.octets[6] >> 4) == 7);
    REQUIRE((u.octets[8] >> 6) == 2);
    last = u;
    seen.insert(u);
  }
  CHECK(seen.size() == 20000);
  CHECK(last.created() >= 1'700'000'000'000);
  CHECK(uuid::parse(last.text()).value() == last);
  CHECK(uuid::parse("not a uuid").error().code == "bad_uuid");
}

TEST_CASE("the same seed gives the same chance", "[base][unit]") {
  seeded_random a(7), b(7), c(8);
  auto x = a.next();
  CHECK(x == b.next());
  CHECK(x != c.next());
}
