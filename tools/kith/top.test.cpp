// `kith top`: rates from two readings, the page, and the command against nodes with canned answers.
#include "tools/kith/top.hpp"
#include "tools/kith/live_screen.hpp"
#include "tools/kith/test_cluster.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <csignal>

using namespace kith;
using namespace kith::cli;
using test::cluster;
using test::ok;
namespace json = boost::json;

namespace {

// What a node says of itself `seconds` after its start, when it has had `turns`.
std::string answer(double seconds, int turns, int slow) {
  const auto n = [](auto v) { return std::to_string(v); };
  return R"({"at_ms":)" + n(std::int64_t(1'700'000'000'000 + seconds * 1000)) + R"(,"now_ns":)" +
         n(std::int64_t(seconds * 1e9)) + R"(,"metrics":[
    {"name":"kith_turn_seconds","kind":"histogram","labels":{"type":"a"},"sum":)" +
         n(turns * 0.001) + R"(,"bounds":[0.001,0.1],"counts":[)" + n(turns - slow) + "," +
         n(slow) + R"(,0]},
    {"name":"kith_turn_seconds","kind":"histogram","labels":{"type":"b"},"sum":0,
     "bounds":[0.001,0.1],"counts":[0,0,0]},
    {"name":"kith_mailbox_waiting","kind":"gauge","labels":{},"value":7},
    {"name":"kith_mailbox_oldest_seconds","kind":"gauge","labels":{},"value":1.5},
    {"name":"kith_journal_sync_seconds","kind":"histogram","labels":{},"sum":1,
     "bounds":[0.001,0.1],"counts":[0,0,)" +
         n(turns) + R"(]},
    {"name":"kith_link_up","kind":"gauge","labels":{"peer":"n2"},"value":1},
    {"name":"kith_link_up","kind":"gauge","labels":{"peer":"n3"},"value":0},
    {"name":"kith_link_unacknowledged","kind":"gauge","labels":{"peer":"n3"},"value":9},
    {"name":"kith_link_round_trip_seconds","kind":"gauge","labels":{"peer":"n2"},"value":0.00025},
    {"name":"kith_link_credit_stalls_total","kind":"counter","labels":{"peer":"n2"},"value":)" +
         n(turns / 10) + R"(}],
   "agents":[{"did":"did:key:z6MkLazy","name":"lazy","type":"b","turns":5,"busy_ns":0,"waiting":3,
      "oldest_ms":)" +
         n(std::int64_t(1'700'000'000'000 + seconds * 1000 - 2500)) + R"(,"handlers":1},
     {"did":"did:key:z6MkBusy","name":"","type":"a","turns":)" +
         n(turns) + R"(,"busy_ns":)" + n(turns * 1'000'000LL) +
         R"(,"waiting":0,"oldest_ms":0,"handlers":0}]})";
}

node_reading reading(double seconds, int turns, int slow) {
  return {R"({"name":"n1","state":"ready","pid":1})", answer(seconds, turns, slow)};
}

} // namespace

TEST_CASE("top takes rates from two readings, over the time between them", "[kith][unit]") {
  const auto top = top_document({{"n1", reading(10, 100, 0)}}, {{"n1", reading(12, 300, 4)}}, 10);
  const auto& n1 = top.at("nodes").at(0);
  CHECK(n1.at("turns_per_s") == 100.0);
  CHECK(n1.at("busy_cores").as_double() == Approx(0.1));
  CHECK(n1.at("turn_p99_s") == 0.1); // 4 of 200 were slow
  CHECK(n1.at("waiting") == 7.0);
  CHECK(n1.at("sync_p99_s") == 0.1); // above all bounds: told as the last
  const auto& agents = top.at("agents").as_array();
  REQUIRE(agents.size() == 2);
  CHECK(agents[0].at("did") == "did:key:z6MkBusy");
  CHECK(agents[0].at("turns_per_s") == 100.0);
  CHECK(agents[0].at("busy_cores").as_double() == Approx(0.1));
  CHECK(agents[1].at("waiting") == 3.0);
  CHECK(agents[1].at("oldest_s") == 2.5);
  const auto& links = top.at("links").as_array();
  REQUIRE(links.size() == 2);
  CHECK(links[0].at("peer") == "n3");
  CHECK(links[0].at("state") == "down");
  CHECK(links[1].at("stalls_per_s") == 10.0);
  CHECK(top_document({}, {{"n1", reading(12, 300, 4)}}, 1).at("agents").as_array().size() == 1);
}

TEST_CASE("top has no rates of a node that it saw once, or that began anew", "[kith][unit]") {
  for (const auto& before : {node_readings{}, node_readings{{"n1", reading(500, 1000, 0)}},
                             node_readings{{"n1", {R"({"state":"ready"})", {}}}}}) {
    const auto top = top_document(before, {{"n1", reading(12, 300, 4)}}, 10);
    CHECK(top.at("nodes").at(0).at("turns_per_s") == 0.0);
    CHECK(top.at("nodes").at(0).at("turn_p99_s") == 0.0);
    CHECK(top.at("agents").at(0).at("turns_per_s") == 0.0);
  }
  // Counters that fell: the node was started anew, and its clock's beginning is another.
  const auto fell = top_document({{"n1", reading(10, 1000, 0)}}, {{"n1", reading(12, 300, 4)}}, 10);
  CHECK(fell.at("nodes").at(0).at("turns_per_s") == 0.0);
  const auto down = top_document({}, {{"n1", {R"({"name":"n1","state":"stopped"})", {}}}}, 10);
  CHECK(down.at("nodes").at(0).at("state") == "stopped");
}

TEST_CASE("top survives answers that are not what they should be", "[kith][unit]") {
  for (const auto* text :
       {R"({"metrics":7,"agents":{}})", R"({"metrics":[7,{"name":"kith_turn_seconds","bounds":["x"],
          "counts":["y",1e300,-5]}],"agents":[1,{}],"now_ns":"x"})",
        R"({"metrics":[{"name":"kith_link_up","labels":3,"value":1}],"now_ns":1e300})", "", "[]",
        "{"}) {
    const node_reading odd{R"({"pid":1})", text};
    const auto top = top_document({{"n1", odd}}, {{"n1", odd}}, 10);
    CHECK(render_top(top, true).find("NODE") != std::string::npos);
  }
}

TEST_CASE("top's page shows nodes, the journal, links and as many agents as have room",
          "[kith][unit]") {
  const auto top = top_document({{"n1", reading(10, 100, 0)}}, {{"n1", reading(12, 300, 4)}}, 10);
  const auto all = render_top(top, false);
  CHECK(all.find("n1    ready  100      10.0%  100ms  7") != std::string::npos);
  CHECK(all.find("n1 to n2  up     250us") != std::string::npos);
  CHECK(all.find("did:key:z6MkBusy  a     n1    100      10.0%") != std::string::npos);
  CHECK(all.find("lazy") != std::string::npos);
  const auto lines = [](const std::string& s) { return std::count(s.begin(), s.end(), '\n'); };
  const auto few = render_top(top, false, std::size_t(lines(all)) - 1);
  CHECK(lines(few) == lines(all) - 1);
  CHECK(few.find("lazy") == std::string::npos);
  CHECK(render_top(top, false, 1).find("AGENT ") == std::string::npos);
}

TEST_CASE("a page is cut to the screen, and colours do not count", "[kith][unit]") {
  CHECK(page_of("abc\ndef\nghi\n", 2, 80) == "abc\ndef");
  CHECK(page_of("abcdef\nx\n", 5, 3) == "abc\x1b[0m\nx");
  CHECK(page_of("\x1b[32mab\x1b[0mcd\n", 5, 3) == "\x1b[32mab\x1b[0mc\x1b[0m");
  CHECK(page_of("\xc3\xa4\xc3\xb6\xc3\xbc!\n", 5, 3) == "\xc3\xa4\xc3\xb6\xc3\xbc\x1b[0m");
  CHECK(page_of("a\x1b", 5, 3) == "a");
  CHECK(page_of("", 5, 3).empty());
}

TEST_CASE("top is shown once where stdout is no terminal, and says when nothing runs",
          "[kith][unit]") {
  cluster c(2);
  CHECK(c.kith({"top"}).code == 3);
  int asked = 0;
  c.serve_by("n1", [&](const std::string& verb, const json::object&) {
    if (verb == "status") return ok(R"({"name":"n1","state":"ready","pid":1})");
    const bool first = ++asked % 2 == 1;
    return ok(answer(first ? 10 : 12, first ? 100 : 300, 0));
  });
  const auto shown = c.kith({"top", "--interval", "100ms", "--json"});
  REQUIRE(shown.code == 0);
  CHECK(asked == 2);
  CHECK(shown.document().at("nodes").at(0).at("turns_per_s") == 100.0);
  CHECK(shown.document().at("nodes").at(1).at("state") == "stopped");
  CHECK(c.last_args("n1").at("agents") == 1000);
  CHECK(c.kith({"top", "--interval", "100ms", "--lines", "1"}).out.find("lazy") ==
        std::string::npos);
  CHECK(c.kith({"top", "--interval", "1ms"}).code == 2);
  CHECK(c.kith({"top", "--once", "--watch"}).code == 2);
  c.serve("n1", {{"status", ok(R"({"name":"n1","state":"ready","pid":1})")}}); // an older build
  const auto old = c.kith({"top", "--interval", "100ms"});
  CHECK(old.code == 0);
  CHECK(old.out.find("ready") != std::string::npos);
}

TEST_CASE("top goes on where it is told to, one document a line", "[kith][unit]") {
  cluster c(1);
  c.serve("n1", {{"status", ok(R"({"name":"n1","state":"ready","pid":1})")},
                 {"metrics", ok(answer(10, 100, 0))}});
  std::string seen;
  c.kith.on_out = [&](const std::string& text) {
    if (std::count(text.begin(), text.end(), '\n') == 2) ::raise(SIGINT);
    seen = text;
  };
  CHECK(c.kith({"top", "--json", "--watch", "--interval", "100ms"}).code == 0);
  CHECK(json::parse(seen.substr(0, seen.find('\n'))).at("nodes").at(0).at("name") == "n1");
}
