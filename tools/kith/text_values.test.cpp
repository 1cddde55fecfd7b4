#include "tools/kith/text_values.hpp"
#include "tools/kith/exit_code.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <set>

using namespace kith;
using namespace kith::cli;

TEST_CASE("durations are read with their units, and nothing else is", "[kith][unit]") {
  using namespace std::chrono_literals;
  CHECK(parse_duration("250ms") == duration(250ms));
  CHECK(parse_duration("5s") == duration(5s));
  CHECK(parse_duration("5") == duration(5s));
  CHECK(parse_duration("1.5m") == duration(90s));
  CHECK(parse_duration("2h") == duration(2h));
  CHECK(parse_duration("1d") == duration(24h));
  for (const auto* bad : {"", "s", "-1s", "0", "0ms", "1w", "5 s", "1..5s", ".", "1e3s", "99999d",
                          "111111111111111111111111111111s"})
    CHECK(parse_duration(bad).error().code == "bad_duration");
}

TEST_CASE("times are shown in UTC and ages roughly", "[kith][unit]") {
  CHECK(utc_time(0) == "1970-01-01 00:00:00.000 UTC");
  CHECK(utc_time(1'700'000'000'123) == "2023-11-14 22:13:20.123 UTC");
  CHECK(rough_duration(-5) == "0 s");
  CHECK(rough_duration(119'000) == "119 s");
  CHECK(rough_duration(120'000) == "2 min");
  CHECK(rough_duration(3 * 3600'000) == "3 h");
  CHECK(rough_duration(72LL * 3600'000) == "3 d");
}

TEST_CASE("a slip of the finger finds what was meant, and nonsense finds nothing", "[kith][unit]") {
  const std::vector<std::string> commands{"send", "spawn", "stop", "agents", "up"};
  CHECK(nearest("sned", commands) == "send");
  CHECK(nearest("agent", commands) == "agents");
  CHECK(nearest("sopt", commands) == "stop");
  CHECK(nearest("xyzzyx", commands) == "");
  CHECK(nearest(std::string(1000, 's'), commands) == "");
}

TEST_CASE("every category of error has a documented exit code", "[kith][unit]") {
  const std::vector<std::pair<errc, int>> all{
      {errc::invalid, 2},         {errc::malformed, 1}, {errc::too_large, 1},
      {errc::unauthenticated, 5}, {errc::forbidden, 5}, {errc::not_found, 4},
      {errc::exists, 1},          {errc::conflict, 1},  {errc::overloaded, 7},
      {errc::unavailable, 3},     {errc::timeout, 6},   {errc::cancelled, 1},
      {errc::corrupt, 8},         {errc::io, 8},        {errc::unsupported, 1},
      {errc::internal, 1}};
  std::set<errc> seen;
  for (const auto& [category, code] : all) {
    CHECK(exit_code_of(category) == code);
    seen.insert(category);
  }
  CHECK(seen.size() == std::size_t(errc::internal) + 1);
  CHECK(exit_code_of_answer("ok") == 0);
  CHECK(exit_code_of_answer("refused") == 1);
  CHECK(exit_code_of_answer("timeout") == 6);
}

TEST_CASE("an error is one sentence with what to do next, and cannot steer the terminal",
          "[kith][unit]") {
  CHECK(sentence_of({errc::unavailable, "node_not_running", "node n1 is not running."}) ==
        "node n1 is not running (node_not_running). Start it with `kith up`.");
  CHECK(sentence_of({errc::io, "x", "a\x1b[31mb\nc"}) == "a [31mb c (x).");
  CHECK(sentence_of({errc::io, "", ""}) == "io.");
  CHECK(sentence_of({errc::not_found, "state_dir_missing", "use `kith init`"}) ==
        "use `kith init` (state_dir_missing).");
  const auto document =
      boost::json::parse(document_of({errc::overloaded, "outbox_full", "\"quoted\""})).as_object();
  CHECK(document.at("error").at("category") == "overloaded");
  CHECK(document.at("error").at("context") == "\"quoted\"");
  CHECK(document.at("error").at("exit_code") == 7);
}
