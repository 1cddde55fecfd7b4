#include <catch2/catch.hpp>
#include <kith/message.hpp>

namespace sample {

struct point {
  int x = 0;
  int y = 0;
  bool operator==(const point&) const = default;
};
KITH_DESCRIBE(point, x, y);

struct everything {
  bool flag = false;
  std::uint8_t small = 0;
  std::int64_t whole = 0;
  std::uint64_t large = 0;
  double real = 0;
  std::string text;
  std::vector<point> path;
  std::vector<bool> bits;
  std::optional<int> perhaps;
  std::optional<point> spot;
  std::map<std::string, std::vector<int>> table;
  kith::json any;
  kith::did who;
};
KITH_DESCRIBE(everything, flag, small, whole, large, real, text, path, bits, perhaps, spot, table,
              any, who);

struct nothing {};
KITH_DESCRIBE(nothing);

struct wide {
  int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2,
      c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, e0, e1, e2, e3, e4, e5,
      e6, e7, e8, e9, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, g0, g1, g2, g3;
};
KITH_DESCRIBE(wide, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9,
              c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, e0,
              e1, e2, e3, e4, e5, e6, e7, e8, e9, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, g0, g1,
              g2, g3);

} // namespace sample

namespace {

using namespace kith;

template <class T> T decoded(std::string_view text) {
  decode_error why;
  T v{};
  INFO(text);
  REQUIRE(payload_view(json_type, as_bytes(text)).read(v, why));
  return v;
}

template <class T>
std::string refused(std::string_view text, std::string_view content_type = json_type) {
  decode_error why;
  T v{};
  INFO(text);
  REQUIRE_FALSE(payload_view(content_type, as_bytes(text)).read(v, why));
  return why.text();
}

} // namespace

TEST_CASE("a described struct is the same after writing and reading", "[agent][unit]") {
  sample::everything v{true,
                       255,
                       -5,
                       UINT64_MAX,
                       0.1,
                       "h\xc3\xa9",
                       {{1, 2}, {3, 4}},
                       {true, false},
                       {},
                       sample::point{5, 6},
                       {{"a", {1}}, {"b", {}}},
                       json().set("k", 1),
                       did::parse("did:example:x").value()};
  auto sent = encode(v);
  CHECK(sent.content_type == json_type);
  CHECK(
      sent.payload ==
      "{\"flag\":true,\"small\":255,\"whole\":-5,\"large\":18446744073709551615,\"real\":0.1,"
      "\"text\":\"h\xc3\xa9\",\"path\":[{\"x\":1,\"y\":2},{\"x\":3,\"y\":4}],\"bits\":[true,false],"
      "\"spot\":{\"x\":5,\"y\":6},\"table\":{\"a\":[1],\"b\":[]},\"any\":{\"k\":1},"
      "\"who\":\"did:example:x\"}");
  auto back = decoded<sample::everything>(sent.payload);
  CHECK(encode(back).payload == sent.payload);
  CHECK(back.path == v.path);
  CHECK_FALSE(back.perhaps);
}

TEST_CASE("structs of no and of 64 members can be described", "[agent][unit]") {
  CHECK(encode(sample::nothing{}).payload == "{}");
  decoded<sample::nothing>("{\"x\":1}");
  sample::wide v{};
  v.g3 = 7;
  CHECK(decoded<sample::wide>(encode(v).payload).g3 == 7);
}

TEST_CASE("members that are not described are ignored and missing ones refused", "[agent][unit]") {
  CHECK(decoded<sample::point>(R"({"x":1,"z":[{}],"y":2})") == sample::point{1, 2});
  CHECK(refused<sample::point>(R"({"y":2})") == "expected an object with member x");
  CHECK(refused<sample::point>("[1,2]") == "expected an object");
  CHECK(refused<sample::point>(R"({"x":null,"y":2})") == "member x: expected an integer");
  CHECK(refused<std::vector<sample::point>>(R"([{"x":1,"y":2},{"x":1,"y":"2"}])") ==
        "element 1: member y: expected an integer");
  CHECK(refused<std::map<std::string, bool>>(R"({"a":true,"b":0})") ==
        "member b: expected a boolean");
}

TEST_CASE("numbers that do not fit are refused", "[agent][unit]") {
  CHECK(decoded<std::uint8_t>("255") == 255);
  CHECK(refused<std::uint8_t>("256") == "expected an integer from 0 to 255");
  CHECK(refused<std::uint8_t>("-1") == "expected an integer from 0 to 255");
  CHECK(decoded<std::int8_t>("-128") == -128);
  CHECK(refused<std::int8_t>("-129") == "expected an integer from -128 to 127");
  CHECK(refused<std::int64_t>("9223372036854775808").find("expected an integer from") == 0);
  CHECK(refused<int>("1.0") == "expected an integer");
  CHECK(refused<int>("true") == "expected an integer");
  CHECK(refused<double>("\"1\"") == "expected a number");
  CHECK(decoded<double>("3") == 3.0);
  CHECK(decoded<std::optional<int>>("null") == std::nullopt);
  CHECK(decoded<std::optional<int>>("3") == 3);
  CHECK(refused<did>("\"nobody\"") == "expected a DID");
}

TEST_CASE("text travels as it is and is also read from a JSON string", "[agent][unit]") {
  CHECK(encode("x").content_type == text_type);
  CHECK(encode(std::string("\xff")).payload == "\xff");
  CHECK(decoded<std::string>("\"a\\nb\"") == "a\nb");
  CHECK(payload_view("text/plain; charset=utf-8", as_bytes("a\"b")).as<std::string>() == "a\"b");
  CHECK(payload_view("Application/JSON ; x=1", as_bytes("5")).as<int>() == 5);
  CHECK(payload_view("application/activity+json", as_bytes("{}")).as<json>()->is_object());
  CHECK(refused<std::string>("5") == "expected text");
  CHECK(refused<std::string>("5", bytes_type) == "expected text");
  CHECK(refused<int>("5", text_type) == "expected application/json");
  CHECK(refused<json>("{", json_type).find("expected JSON: ") == 0);
}

TEST_CASE("bytes travel as they are", "[agent][unit]") {
  bytes v{0, 255, 1};
  auto sent = encode(v);
  CHECK(sent.content_type == bytes_type);
  CHECK(payload_view(sent.content_type, as_bytes(sent.payload)).as<bytes>() == v);
}
