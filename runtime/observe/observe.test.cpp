#include "runtime/observe/log_line.hpp"
#include "runtime/observe/metrics.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace kith;
using namespace kith::observe;

namespace {

struct captured {
  manual_clock clock{1'700'000'000'123};
  std::vector<std::string> lines;
  log_hub hub;

  explicit captured(log_format format = log_format::text)
      : hub(log_hub::open({.format = format,
                           .time = &clock,
                           .sink = [this](std::string_view l) { lines.emplace_back(l); }})
                .value()) {}
};

} // namespace

TEST_CASE("a text line has time, level, component, message and fields", "[observe][unit]") {
  captured c;
  c.hub.get("link").info("link up", {{"peer", "did:key:z6Mk"},
                                     {"rtt_us", 120},
                                     {"seeds", std::size_t(3)},
                                     {"loss", 0.5},
                                     {"ok", true},
                                     {"delta", -7},
                                     {"why", "two words"},
                                     {"empty", ""}});
  REQUIRE(c.lines.size() == 1);
  CHECK(c.lines[0] == "2023-11-14T22:13:20.123Z INFO  link: link up peer=did:key:z6Mk rtt_us=120 "
                      "seeds=3 loss=0.5 ok=true delta=-7 why=\"two words\" empty=\"\"");
}

TEST_CASE("a JSON line holds the same, and no key twice", "[observe][unit]") {
  captured c(log_format::json);
  c.hub.get("link").warn("slow", {{"rtt_us", 120}, {"level", "mine"}, {"inf", 1.0 / 0.0}});
  c.hub.get("store").error("lost", kith::error{errc::io, "disk_full", "say \"please\""});
  REQUIRE(c.lines.size() == 2);
  CHECK(c.lines[0] == R"({"time":"2023-11-14T22:13:20.123Z","level":"warn","component":"link",)"
                      R"("message":"slow","rtt_us":120,"level_":"mine","inf":null})");
  CHECK(c.lines[1] == R"({"time":"2023-11-14T22:13:20.123Z","level":"error","component":"store",)"
                      R"("message":"lost","error":"disk_full","context":"say \"please\""})");
}

TEST_CASE("no value can end a line, drive a terminal or break UTF-8", "[observe][unit]") {
  const std::string evil = "a\nb\x1b[31m\r\t\x7f\x01\xc2\x9b\xff\xed\xa0\x80 \xc3\xa9\"\\";
  const std::string escaped = "a\\nb\\u001b[31m\\r\\t\\u007f\\u0001\\u009b\xef\xbf\xbd\xef\xbf\xbd"
                              "\xef\xbf\xbd\xef\xbf\xbd \xc3\xa9\\\"\\\\";
  captured text, json(log_format::json);
  text.hub.get("x").info(evil, {{evil, evil}});
  json.hub.get("x").info(evil, {{evil, evil}});
  CHECK(text.lines[0].substr(30) == " x: " + escaped + " " + escaped + "=\"" + escaped + "\"");
  CHECK(json.lines[0].find("\"message\":\"" + escaped + "\",\"" + escaped + "\":\"" + escaped +
                           "\"}") != std::string::npos);
}

TEST_CASE("every single byte and every cut sequence leaves printable lines",
          "[observe][property]") {
  captured c;
  const std::string whole = "\xf0\x9f\x98\x80";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut)
    c.hub.get("x").info("m", {{"v", whole.substr(0, cut)}});
  for (int b = 0; b < 256; ++b) c.hub.get("x").info("m", {{"v", std::string(1, char(b))}});
  for (const auto& line : c.lines)
    for (const char ch : line) CHECK((std::uint8_t(ch) >= 0x20 && ch != 0x7f));
}

TEST_CASE("long values and many fields are cut", "[observe][unit]") {
  captured c;
  const std::string large(log_hub::value_size_max + 1, 'x');
  c.hub.get("x").info("m", {{"v", large}});
  CHECK(c.lines[0].ends_with("xx...\""));
  CHECK(c.lines[0].size() < large.size() + 60);
}

TEST_CASE("a level is changed for one component or for all while it runs", "[observe][unit]") {
  captured c;
  const logger link = c.hub.get("link"), store = link.component("store"), same = c.hub.get("link");
  CHECK_FALSE(link.on(level::debug));
  link.debug("unheard");
  REQUIRE(c.hub.set_level("link", level::debug));
  CHECK(same.on(level::debug));
  CHECK_FALSE(store.on(level::debug));
  same.debug("heard");
  REQUIRE(c.hub.set_level("later", level::error));
  CHECK_FALSE(c.hub.get("later").on(level::warn));
  REQUIRE(c.hub.set_level("*", level::off));
  link.error("unheard");
  c.hub.get("new").error("unheard");
  CHECK(c.lines.size() == 1);
  CHECK(c.hub.levels().size() == 4);
  CHECK(parse_level("warn").value() == level::warn);
  CHECK(parse_level("loud").error().code == "bad_level");
}

TEST_CASE("a logger made by default says nothing; one may outlive its hub", "[observe][unit]") {
  const logger silent;
  CHECK_FALSE(silent.on(level::error));
  silent.error("unheard");
  silent.component("x").error("unheard");
  logger kept;
  int lines = 0;
  {
    const auto hub = log_hub::open({.sink = [&](std::string_view) { ++lines; }});
    kept = hub->get("x");
  }
  kept.info("heard");
  CHECK(lines == 1);
}

TEST_CASE("components past the limit share one", "[observe][unit]") {
  captured c;
  for (int i = 0; i < 1000; ++i) c.hub.get("c" + std::to_string(i));
  CHECK(c.hub.levels().size() == log_hub::components_max + 1);
  CHECK(c.hub.set_level("one more", level::off).error().code == "too_many_components");
}

TEST_CASE("lines of many threads land whole in the file", "[observe][unit]") {
  const auto path = std::filesystem::temp_directory_path() /
                    ("kith-observe-" + std::to_string(::getpid()) + ".log");
  std::filesystem::remove(path);
  {
    const auto hub = log_hub::open({.file = path.string()}).value();
    std::vector<std::thread> writers;
    for (int t = 0; t < 4; ++t)
      writers.emplace_back([&, t] {
        const logger log = hub.get("t" + std::to_string(t));
        for (int i = 0; i < 500; ++i) log.info("line", {{"i", i}});
      });
    for (auto& w : writers) w.join();
    CHECK(hub.lost() == 0);
  }
  std::ifstream in(path);
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) CHECK(line.find(": line i=") == 33);
  CHECK(lines == 2000);
  std::filesystem::remove(path);
  CHECK(log_hub::open({.file = "/proc/no/such.log"}).error().code == "log_file");
}

TEST_CASE("metrics count by name and labels within bounds", "[observe][unit]") {
  registry all;
  counter& turns = all.count("kith_turns_total", {{"type", "hello"}});
  turns.add();
  all.count("kith_turns_total", {{"type", "hello"}}).add(2);
  all.measure("kith_queue_depth").set(5);
  all.measure("kith_queue_depth").add(-2);
  CHECK(turns.value() == 3);
  const auto read = all.read();
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "kith_turns_total");
  CHECK(read[0].kind == registry::kind::counter);
  CHECK(read[1].value == 3);

  for (std::size_t i = 0; i < registry::series_max + 50; ++i)
    all.count("many", {{"peer", std::to_string(i)}}).add();
  CHECK(all.count("many", {{"overflow", "true"}}).value() == 50);
  CHECK(all.read().size() == registry::series_max + 3);
}

TEST_CASE("a histogram sorts by its bounds, each of which belongs to the bucket below",
          "[observe][unit]") {
  registry all;
  auto& h = all.distribution("kith_x_seconds", times, {{"type", "a"}});
  h.note(0), h.note(1'000), h.note(1'001), h.note(10'000'000'000), h.note(10'000'000'001);
  const auto read = h.read();
  CHECK(read[0] == 2);
  CHECK(read[1] == 1);
  CHECK(read[std::size(time_bounds) - 1] == 1);
  CHECK(read[std::size(time_bounds)] == 1);
  CHECK(h.count() == 5);
  CHECK(h.sum() == 20'000'002'002);
  h.add(0, 3, 30);
  CHECK(h.read()[0] == 5);
  CHECK(h.sum() == 20'000'002'032);
  CHECK(&all.distribution("kith_x_seconds", times, {{"type", "a"}}) == &h);
  static const std::vector<std::uint64_t> many(100, 7);
  CHECK(all.distribution("many", {many}).bucket_of(8) == histogram::bounds_max);
}

TEST_CASE("a counter follows a total that is kept elsewhere, but never falls", "[observe][unit]") {
  counter c;
  c.raise_to(5);
  c.raise_to(3);
  CHECK(c.value() == 5);
}

TEST_CASE("a histogram loses nothing that several threads note", "[observe][unit]") {
  registry all;
  auto& h = all.distribution("h", numbers);
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t)
    writers.emplace_back([&h] {
      for (std::uint64_t i = 0; i < 1000; ++i) h.note(i % 10);
    });
  for (auto& w : writers) w.join();
  CHECK(h.count() == 4000);
  CHECK(h.sum() == 4 * 1000 / 10 * 45);
}
