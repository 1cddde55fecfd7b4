// `kith timers` against nodes that say what real ones would.
#include "tools/kith/command_line.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/test_cluster.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace kith;
using test::cluster;
using test::failed;
using test::ok;
namespace json = boost::json;

TEST_CASE("timers are listed by the node that the agent lives on", "[kith][unit]") {
  cluster c{2};
  c.serve("n1", {{"timers", failed("not_found", "not_here")}});
  c.serve_by("n2", [](const auto& verb, const auto& args) -> std::string {
    if (verb != "timers") return failed("unsupported", "unknown_verb");
    if (args.at("agent") == "idle") return ok(R"({"did":"did:x:i","timers":[]})");
    if (args.at("agent") != "ada") return failed("not_found", "unknown_agent");
    return ok(R"({"did":"did:x:a","timers":[
      {"id":"tea","kind":"remind","type":"once","schedule":"once","missed":"once","fired":0,
       "due_ms":1700000000000},
      {"id":"old\u001b[1m","kind":"remind","type":"cron","schedule":"0 9 * * * Old/Town",
       "missed":"skip","fired":7,"problem":"unknown_zone: no time zone"}]})");
  });
  const auto seen = c.kith({"timers", "ada"}).out;
  CHECK(seen.find("tea") != std::string::npos);
  CHECK(seen.find("2023-11-14") != std::string::npos);
  CHECK(seen.find("never") != std::string::npos);
  CHECK(seen.find("Old/Town: unknown_zone") != std::string::npos);
  CHECK(seen.find('\x1b') == std::string::npos);
  const auto document = json::parse(c.kith({"timers", "ada", "--json"}).out).as_object();
  CHECK(document.at("node") == "n2");
  CHECK(document.at("timers").as_array().size() == 2);
  CHECK(c.kith({"timers", "idle"}).out == "No timers.\n");
  CHECK(c.kith({"timers", "bob"}).code == 4);
  CHECK(c.kith({"timers"}).code == 2);
}

TEST_CASE("a timer is cancelled by the node that has it", "[kith][unit]") {
  cluster c{2};
  c.serve("n1", {{"timer_cancel", failed("not_found", "not_here")}});
  c.serve_by("n2", [](const auto& verb, const auto& args) -> std::string {
    if (verb != "timer_cancel") return failed("unsupported", "unknown_verb");
    if (args.at("agent") != "ada" || args.at("id") != "tea")
      return failed("not_found", "unknown_timer");
    return ok(R"({"did":"did:x:a","id":"tea"})");
  });
  CHECK(c.kith({"timers", "cancel", "ada", "tea"}).out == "cancelled\n");
  CHECK(c.kith({"timers", "cancel", "ada", "coffee"}).code == 4);
  CHECK(c.kith({"timers", "cancel", "ada"}).code == 2);
  CHECK(c.kith({"timers", "cancel", "ada", "tea", "more"}).code == 2);
}
