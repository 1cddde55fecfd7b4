#include <catch2/catch.hpp>
#include <kith/json.hpp>

using kith::errc;
using kith::json;

namespace {

kith::error error_of(std::string_view text) {
  auto parsed = json::parse(text);
  REQUIRE_FALSE(parsed);
  return parsed.error();
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

} // namespace

TEST_CASE("a JSON value is the same after writing and reading", "[base][vector]") {
  for (std::string_view text :
       {"null", "true", "false", "0", "-1", "9223372036854775807", "18446744073709551615",
        "-9223372036854775808", "1.5", "0.1", "1e+22", "2.0", "\"\"", "\"\\\"\\\\\\n\\u0001\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "[]", "{}", "[1,[2,{}],\"x\"]",
        "{\"a\":1,\"b\":[true,null]}"}) {
    auto parsed = json::parse(text);
    REQUIRE(parsed);
    CHECK(parsed->dump() == text);
    CHECK(json::parse(parsed->dump()).value() == *parsed);
  }
}

TEST_CASE("JSON text may have spaces, escapes and members in any order", "[base][vector]") {
  auto v = json::parse(" { \"b\" : [ 1 , 2 ] , \"a\" : \"\\u00e9\\ud83d\\ude00\\/\" } \n").value();
  CHECK(v.dump() == "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80/\",\"b\":[1,2]}");
}

TEST_CASE("doubles keep every bit", "[base][property]") {
  for (double v :
       {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789.12345679, 2.2250738585072014e-308,
        -0.30000000000000004, 9007199254740993.0, 8.41e21, 7.2057594037927933e16}) {
    CHECK(json::parse(json(v).dump()).value().as_double() == v);
  }
}

TEST_CASE("what is not JSON is malformed", "[base][unit]") {
  for (std::string_view text : {"",
                                " ",
                                "{",
                                "[1,]",
                                "{\"a\":1,}",
                                "{a:1}",
                                "'x'",
                                "nul",
                                "truex",
                                "01",
                                "+1",
                                "1.",
                                "NaN",
                                "1e999",
                                "\"\x01\"",
                                "\"\\x\"",
                                "\"\\ud800\"",
                                "// c\n1",
                                "1 2",
                                "[1] x",
                                "\"\xff\"",
                                "\"\xc0\x80\"",
                                "\"\xed\xa0\x80\""}) {
    INFO(text);
    CHECK(error_of(text).category == errc::malformed);
    CHECK(error_of(text).code == "bad_json");
  }
}

TEST_CASE("JSON cut off at any byte is malformed", "[base][unit]") {
  std::string text = R"({"a":[1,2.5,"\u00e9x"],"b":{"c":null,"d":true}})";
  REQUIRE(json::parse(text));
  for (std::size_t size = 0; size < text.size(); ++size)
    CHECK_FALSE(json::parse(text.substr(0, size)));
}

TEST_CASE("a name that stands twice is refused at any depth", "[base][unit]") {
  CHECK(error_of(R"({"a":1,"b":2,"a":1})").context.find("twice") != std::string::npos);
  CHECK(error_of(R"([{"x":{"a":1,"\u0061":2}}])").context.find("twice") != std::string::npos);
  CHECK(json::parse(R"([{"a":1},{"a":2,"b":{"a":3}}])"));
}

TEST_CASE("JSON is nested at most 32 deep, read and written", "[base][unit]") {
  CHECK(json::parse(nested(32)));
  CHECK(error_of(nested(33)).code == "bad_json");
  CHECK(error_of(std::string(1 << 20, '[')).code == "bad_json");
  json v = json::array();
  for (std::size_t i = 1; i < 32; ++i) v = json::array().push_back(v);
  CHECK(v.dump() == nested(32));
  v = json::array().push_back(v);
  CHECK_THROWS_AS(v.dump(), kith::json_error);
}

TEST_CASE("JSON past 16 MiB or of too many values is refused", "[base][unit]") {
  CHECK(error_of(std::string(json::size_max + 1, ' ')).code == "json_too_large");
  std::string many = "[";
  for (std::size_t i = 0; i < json::values_max; ++i) many += "0,";
  many += "0]";
  CHECK(error_of(many).context.find("too many") != std::string::npos);
}

TEST_CASE("writing text that is not UTF-8 or an infinite number throws", "[base][unit]") {
  for (const char* text :
       {"\xff", "a\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"})
    CHECK_THROWS_AS(json(text).dump(), kith::json_error);
  CHECK_THROWS_AS(json(1e308 * 10).dump(), kith::json_error);
  CHECK_THROWS_AS(json().set("\xff", 1).dump(), kith::json_error);
}

TEST_CASE("a JSON value is built, looked into and copied", "[base][unit]") {
  json v = json()
               .set("name", "Ada")
               .set("born", 1815)
               .set("tags", json::array().push_back("x").push_back(2u));
  v.set("born", 1816);
  CHECK(v.dump() == R"({"born":1816,"name":"Ada","tags":["x",2]})");
  CHECK(v["name"].as_string() == "Ada");
  CHECK(v.at("tags")[1].as_uint() == 2);
  CHECK(v["tags"].size() == 2);
  CHECK(v["no"].is_null());
  CHECK(v["no"]["deeper"].is_null());
  CHECK(v.find("no") == nullptr);
  CHECK(v.name_at(0) == "born");
  auto copy = v;
  copy.set("name", "Eve");
  CHECK(v["name"].as_string() == "Ada");
  CHECK_FALSE(copy == v);
  auto moved = std::move(copy);
  CHECK(moved["name"].as_string() == "Eve");
  moved = moved["tags"];
  CHECK(moved.dump() == R"(["x",2])");
}

TEST_CASE("a JSON value asked for what it is not says so", "[base][unit]") {
  CHECK_THROWS_WITH(json("x").as_int(), Catch::Contains("not text"));
  CHECK_THROWS_AS(json(1).as_string(), kith::json_error);
  CHECK_THROWS_AS(json(-1).as_uint(), kith::json_error);
  CHECK_THROWS_AS(json(UINT64_MAX).as_int(), kith::json_error);
  CHECK_THROWS_AS(json(true).as_double(), kith::json_error);
  CHECK_THROWS_AS(json(0).as_bool(), kith::json_error);
  CHECK_THROWS_WITH(json::object().at("x"), "expected an object with member x");
  CHECK_THROWS_AS(json::array()[0], kith::json_error);
  CHECK_THROWS_AS(json(1).at(0), kith::json_error);
  CHECK_THROWS_AS(json(1).push_back(1), kith::json_error);
  CHECK_THROWS_AS(json::array().set("x", 1), kith::json_error);
}
