// The commands against nodes that are a thread with canned answers.
#include "tools/kith/test_cluster.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace kith;
using test::cluster;
using test::command_line;
using test::failed;
using test::ok;
using test::temporary_directory;
namespace json = boost::json;

namespace {

constexpr const char* id = "01939d4e-0000-7000-8000-000000000001";

} // namespace

TEST_CASE("send prints the message's id and says where it goes by options", "[kith][unit]") {
  cluster c(2);
  c.serve("n2", {{"send", ok(std::string(R"({"id":")") + id + R"(","duplicate":true})")}});
  const auto sent = c.kith({"send", "ada", "greet", "Grace", "--ttl", "1m", "--id", id, "--json"});
  REQUIRE(sent.code == 0);
  CHECK(sent.document() == json::parse(std::string(R"({"id":")") + id + R"(","duplicate":true})"));
  CHECK(c.last_args("n2").at("ttl_ms") == 60'000);
  CHECK(c.last_args("n2").at("id") == id);
  CHECK(c.last_args("n2").at("text") == "Grace");
  CHECK(c.kith({"send", "ada", "add", "--json-payload", R"({"n":5})", "--volatile"}).out ==
        std::string(id) + "\n");
  CHECK(c.last_args("n2").at("json").at("n") == 5);
  CHECK(c.last_args("n2").at("qos") == 0);
  CHECK(c.kith({"send", "ada", "greet", "x", "--qos", "1"}).code == 0);
  CHECK(c.last_args("n2").at("qos") == 1);
  CHECK(c.kith({"send", "ada", "greet", "x", "--qos", "0"}).code == 0);
  CHECK(c.last_args("n2").at("qos") == 0);
  CHECK(c.kith({"send", "ada", "greet", "x", "--qos", "2"}).code == 0);
  CHECK_FALSE(c.last_args("n2").contains("qos"));
  c.kith.input = "from stdin\n";
  CHECK(c.kith({"send", "ada", "greet", "-"}).code == 0);
  CHECK(c.last_args("n2").at("text") == "from stdin\n");
}

TEST_CASE("what cannot be sent never reaches a node", "[kith][unit]") {
  cluster c(1);
  c.serve("n1", {});
  CHECK(c.kith({"send", "a", "k", "--ttl", "soon"}).code == 2);
  CHECK(c.kith({"send", "a", "k", "--id", "7"}).code == 2);
  CHECK(c.kith({"send", "a", "k", "--qos", "3"}).code == 2);
  CHECK(c.kith({"send", "a", "k", "--qos", "1", "--volatile"}).code == 2);
  CHECK(c.kith({"ask", "a", "k", "--qos", "1"}).code == 2);
  CHECK(c.kith({"send", "a", "k", "--json-payload", "{"}).code == 1);
  CHECK(c.kith({"ask", "a", "k", "--timeout", "-1"}).code == 2);
  CHECK(c.kith({"where", "7"}).code == 2);
  CHECK(c.requests("n1") == 0);
}

TEST_CASE("ask prints the answer, and a refusal is exit code 1 with its reason", "[kith][unit]") {
  cluster c(1);
  c.serve("n1",
          {{"ask", ok(R"({"status":"ok","content_type":"text/plain","text":"hello\u001b[2J"})")}});
  CHECK(c.kith({"ask", "ada", "greet", "Grace", "--timeout", "5s"}).out == "hello\x1b[2J\n");
  CHECK(c.last_args("n1").at("timeout_ms") == 5000);
  c.kith.terminal = true;
  CHECK(c.kith({"ask", "ada", "greet"}).out == "hello [2J\n");
  c.serve("n1", {{"ask", ok(R"({"status":"ok","content_type":"application/json","json":[1]})")}});
  CHECK(c.kith({"ask", "ada", "greet"}).out == "[1]\n");
  CHECK(c.kith({"ask", "ada", "greet", "--json"}).document().at("json") == json::array{1});
  c.serve("n1",
          {{"ask", ok(std::string(R"({"status":"refused","reason":"no","id":")") + id + "\"}")}});
  const auto refused = c.kith({"ask", "ada", "greet", "--json"});
  CHECK(refused.code == 1);
  CHECK(refused.document().at("status") == "refused");
  CHECK(refused.document().at("reason") == "no");
  CHECK(refused.err ==
        "kith: ada gave no answer: refused: no. `kith where " + std::string(id) + "` says more.\n");
  c.serve("n1", {{"ask", ok(R"({"status":"timeout"})")}});
  CHECK(c.kith({"ask", "ada", "greet"}).code == 6);
}

TEST_CASE("errors of the node become exit codes, one sentence, and one document", "[kith][unit]") {
  cluster c(1);
  const std::map<std::pair<const char*, const char*>, int> all{
      {{"not_found", "unknown_agent"}, 4}, {{"overloaded", "outbox_full"}, 7},
      {{"forbidden", "not_yours"}, 5},     {{"corrupt", "store_corrupt"}, 8},
      {{"unavailable", "draining"}, 3},    {{"invalid", "bad_argument"}, 2},
      {{"conflict", "ambiguous_name"}, 1}, {{"timeout", "slow"}, 6}};
  for (const auto& [what, code] : all) {
    c.serve("n1", {{"spawn", failed(what.first, what.second)}});
    const auto out = c.kith({"spawn", "greeter", "--json"});
    CHECK(out.code == code);
    CHECK(out.document().at("error").at("code") == what.second);
    CHECK(out.document().at("error").at("exit_code") == code);
    CHECK(out.err.starts_with(std::string("kith: what happened (") + what.second + ")."));
    CHECK(std::count(out.err.begin(), out.err.end(), '\n') == 1);
    CHECK(c.kith({"spawn", "greeter"}).out.empty());
  }
}

TEST_CASE("no directory, no node and an unknown node are told apart", "[kith][unit]") {
  temporary_directory empty;
  const command_line nowhere(empty / "missing");
  CHECK(nowhere({"ps"}).code == 4);
  CHECK(nowhere({"stop"}).code == 4);
  CHECK(nowhere({"send", "a", "k"}).err.find("`kith init`") != std::string::npos);
  cluster c(2);
  const auto stopped = c.kith({"tree", "--json"});
  CHECK(stopped.code == 3);
  CHECK(stopped.document().at("error").at("code") == "node_not_running");
  CHECK(c.kith({"stop"}).code == 3);
  CHECK(c.kith({"tree", "--node", "n2"}).err.find("node n2 is not running") != std::string::npos);
  const auto unknown = c.kith({"tree", "--node", "m2"});
  CHECK(unknown.code == 4);
  CHECK(unknown.err.find("the nearest is 'n2'") != std::string::npos);
}

TEST_CASE("--node chooses whom to ask, and else the first that answers is asked", "[kith][unit]") {
  cluster c(3);
  for (const auto* name : {"n2", "n3"})
    c.serve(name, {{"spawn", ok(std::string(R"({"did":"did:of:)") + name + R"(","node":"x"})")}});
  CHECK(c.kith({"spawn", "greeter"}).out == "did:of:n2\n");
  CHECK(c.kith({"--node", "n3", "spawn", "greeter", "--node", "n1"}).out == "did:of:n3\n");
  CHECK(c.last_args("n3").at("node") == "n1");
  CHECK_FALSE(c.last_args("n2").contains("node"));
}

TEST_CASE("ps lists all nodes, also those that are stopped or answer nonsense", "[kith][unit]") {
  cluster c(3);
  c.serve("n1", {{"status", ok(R"({"name":"n1","state":"ready","pid":1,"peers":[],"agents":0})")}});
  c.serve("n3", {{"status", ok("[]")}});
  const auto listed = c.kith({"ps", "--json"});
  CHECK(listed.code == 0);
  const auto nodes = listed.document().at("nodes").as_array();
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[0].at("state") == "ready");
  CHECK(nodes[1].at("state") == "stopped");
  CHECK(nodes[2].at("state") == "unresponsive");
  CHECK(c.kith({"ps"}).out.find("n2    stopped") != std::string::npos);
}

TEST_CASE("where asks all nodes until one knows the message", "[kith][unit]") {
  cluster c(2);
  c.serve("n1", {{"where", ok(R"({"id":"i","state":"unknown"})")}});
  c.serve("n2", {{"where", ok(R"({"id":"i","state":"handled","history":[]})")}});
  const auto found = c.kith({"where", id, "--json"});
  CHECK(found.code == 0);
  CHECK(found.document().at("state") == "handled");
  CHECK(c.kith({"where", id, "--node", "n1"}).code == 4);
}

TEST_CASE("dead letters of all nodes are one list, and each is found wherever it is",
          "[kith][unit]") {
  cluster c(2);
  c.serve("n1", {{"dlq_ls", ok("[]")}, {"dlq_show", failed("not_found", "unknown_dead_letter")}});
  CHECK(c.kith({"dlq", "ls"}).out == "There are no dead letters.\n");
  CHECK(c.kith({"dlq", "show", id}).code == 4);
  c.serve("n2",
          {{"dlq_ls", ok(R"([{"id":"i","at_ms":1,"kind":"k","attempts":5,"reason":"threw"}])")},
           {"dlq_show", ok(R"({"id":"i","text":"payload"})")}});
  CHECK(c.kith({"dlq", "ls", "--json"}).document().at(0).at("node") == "n2");
  CHECK(c.kith({"dlq", "show", id}).out.ends_with("\n\npayload\n"));
}

TEST_CASE("stop asks every node, and waits for their processes", "[kith][unit]") {
  cluster c(2);
  const std::string gone = ok(R"({"pid":0})"); // a process that does not run
  c.serve("n1", {{"status", gone}, {"stop", ok("{}")}});
  c.serve("n2", {{"status", gone}, {"stop", ok("{}")}});
  const auto stopped = c.kith({"stop", "--deadline", "2s", "--json"});
  CHECK(stopped.code == 0);
  CHECK(stopped.document().at("stopped") == json::array{"n1", "n2"});
  CHECK(c.last_args("n2").at("deadline_ms") == 2000);
  CHECK(c.kith({"stop", "--node", "n2", "--json"}).document().at("stopped") == json::array{"n2"});
}

TEST_CASE("spawn and own say who owns an agent, and own wants exactly one of a DID and nobody",
          "[kith][unit]") {
  constexpr const char* owner = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";
  cluster c(1);
  c.serve("n1", {{"spawn", ok(R"({"did":"did:key:z6Mkx","node":"n"})")},
                 {"own", ok(R"({"did":"did:key:z6Mkx","node":"n","owner":null})")}});
  CHECK(c.kith({"spawn", "t", "--owner", owner}).code == 0);
  CHECK(c.last_args("n1").at("owner") == owner);
  CHECK(c.kith({"spawn", "t"}).code == 0);
  CHECK_FALSE(c.last_args("n1").contains("owner"));
  CHECK(c.kith({"own", "ada", owner}).out == "did:key:z6Mkx\n");
  CHECK(c.last_args("n1").at("agent") == "ada");
  CHECK(c.last_args("n1").at("owner") == owner);
  CHECK(c.kith({"own", "ada", "--nobody", "--json"}).document().at("owner").is_null());
  CHECK_FALSE(c.last_args("n1").contains("owner"));
  const auto asked = c.requests("n1");
  CHECK(c.kith({"own", "ada"}).code == 2);
  CHECK(c.kith({"own", "ada", ""}).code == 2);
  CHECK(c.kith({"own", "ada", owner, "--nobody"}).code == 2);
  CHECK(c.kith({"own"}).code == 2);
  CHECK(c.requests("n1") == asked);
}

TEST_CASE("sim hands what was asked for to the simulator, and says if there is none",
          "[kith][unit]") {
  temporary_directory empty;
  command_line kith(empty.path().string());
  CHECK(kith({"sim"}).err.find("no simulator") != std::string::npos);
  cli::options got;
  kith.program.simulate = [&](const cli::console&, const cli::options& o) -> result<int> {
    got = o;
    return 1;
  };
  CHECK(kith({"sim"}).code == 1);
  CHECK((got.seed == 1 && got.seeds == 1 && got.nodes == 0 && got.minutes == 1));
  CHECK((got.faults.empty() && got.only.empty() && !got.log));
  kith({"sim", "--lib", "a.so", "--lib", "b.so", "--scenario", "s", "--seed",
        "18446744073709551615", "--nodes", "5", "--minutes", "0.5", "--faults", "crash,loss",
        "--only", "4,9", "--log"});
  CHECK(got.libs == std::vector<std::string>{"a.so", "b.so"});
  CHECK((got.scenario == "s" && got.seed == ~std::uint64_t(0) && got.nodes == 5));
  CHECK((got.minutes == 0.5 && got.faults == "crash,loss" && got.log));
  CHECK(got.only == std::vector<std::size_t>{4, 9});
  for (auto wrong : std::vector<std::vector<std::string>>{
           {"--seeds", "0"}, {"--nodes", "65"}, {"--minutes", "0"}, {"--only", "0"}}) {
    wrong.insert(wrong.begin(), "sim");
    CHECK(kith(wrong).code == 2);
  }
}
