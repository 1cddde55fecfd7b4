// `kith up` with processes that are real, and nodes that are a script.
#include "tools/kith/child_process.hpp"
#include "tools/kith/test_support.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>

using namespace kith;
using test::command_line;
using test::temporary_directory;
namespace json = boost::json;

namespace {

// What `kith run --dir D --node N --json` is, as far as `up` and `stop` can tell. Files in the
// node's directory make it fail, die or hang.
constexpr const char* stand_in = R"(#!/usr/bin/env python3
import json, os, signal, socket, sys
args = sys.argv[1:]
name = args[args.index("--node") + 1]
nodes = os.path.join(args[args.index("--dir") + 1], "nodes")
here = os.path.join(nodes, name)
has = lambda what: os.path.exists(os.path.join(here, what))
print("log line of", name, file=sys.stderr)
if has("fail"):
    error = {"category": "unavailable", "code": "address_in_use", "context": "it is in use"}
    print(json.dumps({"error": error}))
    sys.exit(3)
if has("late"):
    print(json.dumps({"name": name}), flush=True)
    print("kith: n1 refused us (wrong_cluster_secret).\nlog line", file=sys.stderr)
    sys.exit(5)
if has("die"):
    os.kill(os.getpid(), signal.SIGKILL)
def stop(number, frame):
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
path = os.path.join(here, "control.sock")
if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen(16)
print(json.dumps({"name": name}), flush=True)
while True:
    connection, _ = server.accept()
    for line in connection.makefile("rb"):
        request = json.loads(line)
        members = [{"did": "did:x:" + n, "state": "alive"} for n in os.listdir(nodes)]
        status = {"name": name, "node": "did:x:" + name, "pid": os.getpid(), "members": members,
                  "state": "joining" if has("joining") else "ready", "agents": 0, "peers": []}
        result = status if request["verb"] == "status" else {}
        answer = {"id": request["id"], "ok": True, "result": result}
        connection.sendall(json.dumps(answer).encode() + b"\n")
        if request["verb"] == "stop":
            os._exit(0)
)";

struct stage {
  temporary_directory dir;
  command_line kith{dir / "state"};

  stage() {
    const auto path = dir / "stand_in";
    std::ofstream(path) << stand_in;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    kith.program.executable = path;
  }
  stage(const stage&) = delete;
  ~stage() { // so that a test that failed leaves nothing running
    kith.on_out = kith.on_err = nullptr;
    kith({"stop"});
  }
  // A file that changes how the node behaves; the node must have been initialised.
  void mark(const std::string& node, const std::string& what) const {
    std::ofstream(dir / ("state/nodes/" + node + "/" + what)) << "x";
  }
};

std::map<std::string, pid_t> pids_in(const std::string& document) {
  std::map<std::string, pid_t> out;
  const auto parsed = json::parse(document);
  for (const auto& n : parsed.at("nodes").as_array())
    out[n.at("name").as_string().c_str()] = pid_t(n.at("pid").as_int64());
  return out;
}

} // namespace

TEST_CASE("up --detach starts what does not run, and stop ends it all", "[kith][unit]") {
  const stage s;
  const auto first = s.kith({"up", "--nodes", "2", "--detach", "--json"});
  INFO(first.err);
  REQUIRE(first.code == 0);
  const auto pids = pids_in(first.out);
  REQUIRE(pids.size() == 2);
  for (const auto& [name, pid] : pids) CHECK(cli::process_runs(pid));
  CHECK(::getpgid(pids.at("n1")) == pids.at("n1")); // a Ctrl-C here does not reach it
  std::ifstream log(s.dir / "state/nodes/n2/node.log");
  std::string line;
  std::getline(log, line);
  CHECK(line == "log line of n2");

  ::kill(pids.at("n2"), SIGKILL);
  while (cli::process_runs(pids.at("n2"))) {
  }
  const auto again = s.kith({"up", "--detach", "--json"});
  REQUIRE(again.code == 0);
  CHECK(pids_in(again.out).at("n1") == pids.at("n1"));
  CHECK(pids_in(again.out).at("n2") != pids.at("n2"));

  CHECK(s.kith({"stop"}).out == "Stopped n1, n2.\n");
  for (const auto& [name, pid] : pids_in(again.out)) CHECK_FALSE(cli::process_runs(pid));
}

TEST_CASE("a node that cannot start fails up with its own error, and the others are ended",
          "[kith][unit]") {
  const stage s;
  REQUIRE(s.kith({"init", "--nodes", "2"}).code == 0);
  s.mark("n2", "fail");
  const auto out = s.kith({"up", "--json"});
  CHECK(out.code == 3);
  CHECK(out.document().at("error").at("code") == "address_in_use");
  CHECK(out.document().at("error").at("context") == "node n2: it is in use");
  CHECK(s.kith({"stop"}).code == 3); // n1 does not run
}

TEST_CASE("a node that dies without a word fails up with where to look", "[kith][unit]") {
  const stage s;
  REQUIRE(s.kith({"init"}).code == 0);
  s.mark("n1", "die");
  const auto out = s.kith({"up"});
  CHECK(out.code == 1);
  CHECK(out.err.find("was killed by signal 9") != std::string::npos);
  CHECK(out.err.find("nodes/n1/node.log") != std::string::npos);
}

TEST_CASE("a node that fails after it was up fails up with its last sentence and exit code",
          "[kith][unit]") {
  const stage s;
  REQUIRE(s.kith({"init"}).code == 0);
  s.mark("n1", "late");
  const auto out = s.kith({"up"});
  CHECK(out.code == 5);
  CHECK(out.err.find("before the cluster was ready: n1 refused us (wrong_cluster_secret)") !=
        std::string::npos);
}

TEST_CASE("a cluster that does not get ready is ended after the timeout", "[kith][unit]") {
  const stage s;
  REQUIRE(s.kith({"init"}).code == 0);
  s.mark("n1", "joining");
  const auto out = s.kith({"up", "--ready-timeout", "1s"});
  CHECK(out.code == 6);
  CHECK(out.err.find("n1 is joining") != std::string::npos);
  CHECK(s.kith({"stop"}).code == 3);
}

TEST_CASE("up in the foreground reports a death, and passes a signal on to the others",
          "[kith][unit]") {
  stage s;
  std::map<std::string, pid_t> pids;
  s.kith.on_out = [&](const std::string& out) {
    pids = pids_in(out);
    ::kill(pids.at("n1"), SIGKILL);
  };
  bool once = false;
  s.kith.on_err = [&](const std::string& err) {
    if (!once && err.find("signal 9") != std::string::npos) once = true, ::raise(SIGTERM);
  };
  const auto out = s.kith({"up", "--nodes", "2", "--json"});
  CHECK(out.code == 1); // n1 did not end well
  CHECK(out.document().at("nodes").as_array().size() == 2);
  CHECK(out.err.find("node n1 (process " + std::to_string(pids.at("n1")) +
                     ") was killed by signal 9 (Killed); `kith up --detach` starts it again\n") !=
        std::string::npos);
  CHECK(out.err.ends_with("kith: stopping the nodes; once more stops them at once\n"
                          "kith: node n2 has stopped\n"));
  CHECK_FALSE(cli::process_runs(pids.at("n2")));
}

TEST_CASE("up in the foreground ends well when its nodes do", "[kith][unit]") {
  stage s;
  s.kith.on_out = [&](const std::string&) { ::raise(SIGINT); };
  CHECK(s.kith({"up", "--nodes", "2"}).code == 0);
}

TEST_CASE("a program that is not there is an error and no hang", "[kith][unit]") {
  stage s;
  s.kith.program.executable = s.dir / "missing";
  const auto out = s.kith({"up"});
  CHECK(out.code == 1);
  CHECK(out.err.find("ended with exit code 127") != std::string::npos);
}
