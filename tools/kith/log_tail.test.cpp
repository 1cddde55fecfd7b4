#include "tools/kith/log_tail.hpp"
#include "tools/kith/test_cluster.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>

using namespace kith;
using namespace kith::cli;
using test::cluster;
using test::temporary_directory;
namespace json = boost::json;

namespace {

constexpr const char* text_form =
    R"(2026-11-21T08:47:10.123Z WARN  link: lost a peer node=n2 reason="reset: x")";
constexpr const char* json_form =
    R"({"time":"2026-11-21T08:47:11.000Z","level":"error","component":"store",)"
    R"("message":"no room","free":7,"node":"x"})";

void add(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}
std::string line(int second, const char* level, const std::string& message) {
  const auto two = (second < 10 ? "0" : "") + std::to_string(second);
  return "2026-11-21T08:47:" + two + ".000Z " + level + " node: " + message + "\n";
}
std::vector<std::string> messages(const std::vector<log_line>& lines) {
  std::vector<std::string> out;
  for (const auto& l : lines) out.push_back(l.raw.substr(l.raw.rfind(' ') + 1));
  return out;
}

} // namespace

TEST_CASE("both formats of the log are read, and what is in neither is kept as it is",
          "[kith][unit]") {
  const auto text = parse_log_line(text_form);
  CHECK(text.time == "2026-11-21T08:47:10.123Z");
  CHECK(log_levels[std::size_t(text.level)] == "warn");
  CHECK(text.text == text_form);
  const auto document = log_document(text);
  CHECK(document.at("component") == "link");
  CHECK(document.at("message") == R"(lost a peer node=n2 reason="reset: x")");
  auto logged = parse_log_line(json_form);
  logged.node = "n1";
  CHECK(logged.text == "2026-11-21T08:47:11.000Z ERROR store: no room free=7 node=x");
  CHECK(log_document(logged).at("node") == "n1");
  CHECK(log_document(logged).at("node_") == "x");
  CHECK(log_document(logged).at("free") == 7);
  for (const auto* other :
       {"terminate called", "", "{", "{}", R"({"level":"warn"})",
        "2026-11-21T08:47:10.123Z LOUD! x: y", "2026-11-21T08:47:10.123Z WARN"}) {
    CAPTURE(other);
    CHECK(parse_log_line(other).level == -1);
    CHECK(log_document(parse_log_line(other)).at("message") == other);
  }
}

TEST_CASE("any bytes are a line", "[kith][property]") {
  seeded_random random(3);
  for (const std::string whole : {text_form, json_form}) {
    for (std::size_t cut = 0; cut <= whole.size(); ++cut)
      (void)log_document(parse_log_line(whole.substr(0, cut)));
    for (int round = 0; round < 500; ++round) {
      auto bytes = whole;
      bytes[random.below(bytes.size())] = char(random.next());
      CHECK(parse_log_line(bytes).raw == bytes);
      CHECK(log_document(parse_log_line(bytes)).contains("node"));
    }
  }
}

TEST_CASE("a level lets what is above it pass, and what has none", "[kith][unit]") {
  log_filter filter{3, ""};
  CHECK(filter.passes(parse_log_line(text_form)));
  CHECK(filter.passes(parse_log_line("Segmentation fault")));
  CHECK_FALSE(filter.passes(parse_log_line(line(1, "INFO ", "x"))));
  filter.contains = "peer";
  CHECK(filter.passes(parse_log_line(text_form)));
  CHECK_FALSE(filter.passes(parse_log_line(json_form)));
}

TEST_CASE("the last lines are found far from the end, and more than there are is all",
          "[kith][unit]") {
  temporary_directory dir;
  const auto path = dir / "node.log";
  log_tail missing("n1", path);
  CHECK(missing.last(5, {}, false).empty());
  add(path, line(1, "ERROR", "first"));
  std::string much;
  for (int i = 0; i < 20'000; ++i) much += line(2, "INFO ", "filler");
  add(path, much + line(3, "INFO ", "last") + "unfinished");
  CHECK(messages(log_tail("n1", path).last(2, {}, false)) ==
        std::vector<std::string>{"last", "unfinished"});
  CHECK(messages(log_tail("n1", path).last(1, {}, true)) == std::vector<std::string>{"last"});
  CHECK(messages(log_tail("n1", path).last(2, {4, ""}, true)) == std::vector<std::string>{"first"});
  CHECK(log_tail("n1", path).last(100'000, {}, false).size() == 20'003);
  CHECK(log_tail("n1", path).last(0, {}, false).empty());
}

TEST_CASE("what is added is followed across rotation and truncation", "[kith][unit]") {
  temporary_directory dir;
  const auto path = dir / "node.log";
  log_tail tail("n1", path);
  CHECK(tail.last(5, {}, true).empty());
  add(path, line(1, "INFO ", "a") + "half");
  CHECK(messages(tail.fresh({})) == std::vector<std::string>{"a"});
  CHECK(tail.fresh({}).empty());
  add(path, "-done\n");
  CHECK(messages(tail.fresh({})) == std::vector<std::string>{"half-done"});
  std::filesystem::rename(path, path + ".1");
  CHECK(tail.fresh({}).empty());
  add(path, line(2, "INFO ", "rotated"));
  CHECK(messages(tail.fresh({})) == std::vector<std::string>{"rotated"});
  std::filesystem::resize_file(path, 0);
  add(path, "x\n");
  CHECK(messages(tail.fresh({})) == std::vector<std::string>{"x"});
}

TEST_CASE("logs of several nodes are one, by time", "[kith][unit]") {
  cluster c(2);
  CHECK(c.kith({"logs"}).code == 4);
  add(c.path("nodes/n1/node.log"), line(1, "INFO ", "a") + "crash\n" + line(5, "INFO ", "d"));
  add(c.path("nodes/n2/kith.toml"), "[log]\nfile = 'own.log'\n");
  add(c.path("nodes/n2/own.log"), line(3, "WARN ", "c") + json_form + "\n");
  CHECK(c.kith({"logs"}).out == "n1  " + line(1, "INFO ", "a") + "n1  crash\nn2  " +
                                    line(3, "WARN ", "c") + "n1  " + line(5, "INFO ", "d") +
                                    "n2  2026-11-21T08:47:11.000Z ERROR store: no room free=7 "
                                    "node=x\n");
  CHECK(c.kith({"logs", "--node", "n1", "-n", "1"}).out == line(5, "INFO ", "d"));
  const auto warnings = c.kith({"logs", "--level", "warn", "--json"}).document().as_array();
  REQUIRE(warnings.size() == 3);
  CHECK(warnings[0].at("message") == "crash");
  CHECK(warnings[1].at("node") == "n2");
  CHECK(c.kith({"logs", "--grep", "room", "--json"}).document().as_array().size() == 1);
  CHECK(c.kith({"logs", "--level", "loud"}).code == 2);
}

TEST_CASE("logs are followed until a signal, one document a line", "[kith][unit]") {
  cluster c(1);
  const auto path = c.path("nodes/n1/node.log");
  add(path, line(1, "INFO ", "a"));
  bool added = false;
  c.kith.on_out = [&](const std::string& so_far) {
    if (!added) add(path, line(2, "WARN ", "b"));
    added = true;
    if (so_far.find("\"b\"") != std::string::npos) ::raise(SIGINT);
  };
  const auto out = c.kith({"logs", "--follow", "--json", "--lines", "5"});
  CHECK(out.code == 0);
  const auto first = json::parse(out.out.substr(0, out.out.find('\n')));
  CHECK(first.at("message") == "a");
  CHECK(out.out.find(R"("message":"b"})") != std::string::npos);
}

TEST_CASE("agents --wide asks every node for its own", "[kith][unit]") {
  cluster c(2);
  const auto agents = [](const std::string& did, int waiting) {
    return test::ok(R"([{"did":")" + did +
                    R"(","name":"a","type":"t","node_name":"n","state":"running",
      "pending":)" + std::to_string(waiting) +
                    R"(,"unacknowledged":2,"handlers":["k"]}])");
  };
  c.serve("n1", {{"agents", agents("did:a:1", 7)}});
  c.serve("n2", {{"agents", agents("did:a:2", 8)}});
  const auto wide = c.kith({"agents", "--wide", "--json"}).document().as_array();
  REQUIRE(wide.size() == 2);
  CHECK(wide[1].at("pending") == 8);
  CHECK(c.last_args("n2").at("all") == false);
  CHECK(c.kith({"agents", "--wide"}).out.find("UNACKNOWLEDGED") != std::string::npos);
  CHECK(c.kith({"agents", "--wide", "--all", "--json"}).document().as_array().size() == 2);
  CHECK(c.last_args("n1").at("all") == true);
}
