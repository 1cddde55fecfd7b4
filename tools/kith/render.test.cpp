#include "tools/kith/render.hpp"
#include "tools/kith/readiness.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace kith::cli;
namespace json = boost::json;

TEST_CASE("tables align by characters and leave no blanks at the ends of lines", "[kith][unit]") {
  CHECK(table({"A", "STATE", "B"}, {{"é", "ready", "x"}, {"long", "up", ""}}, false, 1) ==
        "A     STATE  B\n"
        "é     ready  x\n"
        "long  up\n");
  CHECK(table({"A", "STATE"}, {{"1", "dead"}}, true, 1) ==
        "\x1b[2mA\x1b[0m  \x1b[2mSTATE\x1b[0m\n1  \x1b[31mdead\x1b[0m\n");
}

TEST_CASE("nodes are listed also when they are stopped or say less than we know", "[kith][unit]") {
  const auto nodes = json::parse(R"([
    {"name":"n1","state":"ready","pid":42,"link_address":"127.0.0.1:1","started_ms":1000,
     "agents":2,"node":"did:x","peers":[{"state":"up"},{"state":"backoff"}, 7]},
    {"name":"n2","state":"stopped"}, null])");
  CHECK(render_nodes(nodes.as_array(), 61'000, false) ==
        "NODE  STATE    PID  ADDRESS      PEERS  AGENTS  UP    DID\n"
        "n1    ready    42   127.0.0.1:1  1/3    2       60 s  did:x\n"
        "n2    stopped  -    -            -      -       -     -\n");
  const auto edge =
      json::parse(R"([{"name":"n1","edge_url":"https://127.0.0.1:8443","node":"did:x"},
    {"name":"n2","state":"stopped"}])");
  CHECK(render_nodes(edge.as_array(), 0, false) ==
        "NODE  STATE    PID  ADDRESS  PEERS  AGENTS  UP  EDGE                    DID\n"
        "n1    -        -    -        -      -       -   https://127.0.0.1:8443  did:x\n"
        "n2    stopped  -    -        -      -       -   -                       -\n");
}

TEST_CASE("trees show their branches, restarts, and end at a depth", "[kith][unit]") {
  const auto root = json::parse(R"({"name":"root","kind":"supervisor","state":"running","children":[
    {"name":"links","children":[{"name":"n2","state":"up","restarts":1}]},
    {"name":"agents","restarts":2}, 5]})");
  CHECK(render_tree(root, false) == "root  supervisor  running\n"
                                    "├─ links\n"
                                    "│  └─ n2  up  1 restart\n"
                                    "├─ agents  2 restarts\n"
                                    "└─ ");
  json::value deep = json::object{{"name", "leaf"}};
  for (int i = 0; i < 1000; ++i) deep = json::object{{"name", "x"}, {"children", {deep}}};
  CHECK(render_tree(deep, false).find("leaf") == std::string::npos);
}

TEST_CASE("agents, messages and dead letters are shown as far as they are known", "[kith][unit]") {
  auto agents = json::parse(R"([{"did":"did:a","name":"ada","type":"greeter","node_name":"n1",
    "state":"active","pending":0,"handlers":["greet","stop"]}])");
  CHECK(render_agents(agents.as_array(), false) ==
        "NAME  TYPE     NODE  STATE   PENDING  DID    TAKES\n"
        "ada   greeter  n1    active  0        did:a  greet, stop\n");
  CHECK(render_agents_wide(agents.as_array(), false) ==
        "NODE  NAME  TYPE     STATE   WAITING  UNACKNOWLEDGED  KINDS        DID\n"
        "n1    ada   greeter  active  0        -               greet, stop  did:a\n");
  agents.as_array().push_back({{"did", "did:b"}, {"name", "b"}, {"owner", "did:o"}});
  const auto owned = render_agents_wide(agents.as_array(), false);
  CHECK(owned.find("KINDS        DID    OWNER\n") != std::string::npos);
  CHECK(owned.find("greet, stop  did:a  -\n") != std::string::npos);
  CHECK(owned.find("did:b  did:o\n") != std::string::npos);
  const auto where = json::parse(R"({"id":"i","state":"dead","from":"did:a","to":"did:b","seq":7,
    "lane":"request","node":"n2","history":[{"node":"n1","state":"sent","at_ms":0},
    {"node":"n2","state":"dead","at_ms":1700000000123,"reason":"threw\u001b[2J"}]})");
  CHECK(render_where(where.as_object(), false) ==
        "i  dead\n"
        "  from  did:a\n  to    did:b\n  node  n2\n  lane  request\n  seq   7\n"
        "AT                           STATE  NODE  WHY\n"
        "-                            sent   n1\n"
        "2023-11-14 22:13:20.123 UTC  dead   n2    threw [2J\n");
  const auto letter = json::parse(R"({"id":"i","agent":"did:b","kind":"k","attempts":5,
    "text":"two\nlines\u0007"})");
  const auto shown = render_dead_letter(letter.as_object());
  CHECK(shown.find("attempts      5\n") != std::string::npos);
  CHECK(shown.find("\n\ntwo\nlines \n") != std::string::npos);
}

TEST_CASE("a cluster is up when every node is ready and sees every other one", "[kith][unit]") {
  const auto status = [](std::string name, std::string state, std::vector<std::string> alive) {
    json::array members;
    for (const auto& m : alive) members.push_back({{"did", "did:" + m}, {"state", "alive"}});
    return json::object{
        {"name", name}, {"node", "did:" + name}, {"state", state}, {"members", members}};
  };
  CHECK(judge({status("n1", "ready", {})}).ready);
  CHECK(judge({status("n1", "ready", {"n1", "n2"}), status("n2", "ready", {"n1"})}).ready);
  const auto joining = judge({status("n1", "ready", {"n2"}), status("n2", "joining", {"n1"})});
  CHECK_FALSE(joining.ready);
  CHECK(joining.waiting_for == "n2 is joining");
  const auto blind = judge({status("n1", "ready", {"n2"}), status("n2", "ready", {"n2"})});
  CHECK(blind.waiting_for == "n2 does not see n1 yet");
  auto refusing = status("n1", "ready", {});
  refusing["peers"] = {{{"name", "n2"}, {"state", "refused"}, {"reason", "another secret"}}};
  const auto hopeless = judge({refusing});
  CHECK_FALSE(hopeless.ready);
  REQUIRE_FALSE(hopeless.hopeless);
  CHECK(hopeless.hopeless.error().code == "wrong_cluster_secret");
}
