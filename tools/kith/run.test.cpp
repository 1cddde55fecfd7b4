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

// A node that does as the test's script says, at each look at whether it has stopped.
struct played_node final : cli::running_node {
  std::function<bool(int look)> script;
  int looks = 0;
  int begun = 0;

  std::string id() const override { return "did:key:z6Mk"; }
  std::string name() const override { return "n1"; }
  std::string link_address() const override { return "127.0.0.1:4711"; }
  void begin_stop() override { ++begun; }
  bool wait_stopped(duration) override { return script(++looks); }
};

struct stage {
  temporary_directory dir;
  command_line kith{dir.path().string()};
  cli::node_start given;
  int begun = 0;

  explicit stage(std::function<bool(stage&, int look)> script) {
    REQUIRE(kith({"init"}).code == 0);
    kith.program.start_node =
        [this, script](cli::node_start start) -> result<std::unique_ptr<cli::running_node>> {
      given = std::move(start);
      auto node = std::make_unique<played_node>();
      node->script = [this, script, raw = node.get()](int look) {
        begun = raw->begun;
        return script(*this, look);
      };
      return node;
    };
  }
};

} // namespace

TEST_CASE("run says that the node is there, and ends well with it", "[kith][unit]") {
  stage s([](stage& self, int) {
    std::ifstream pid(self.dir / "nodes/n1/pid");
    std::string text;
    pid >> text;
    CHECK(text == std::to_string(::getpid()));
    return true;
  });
  const auto out = s.kith({"run", "--json", "--set", "log.level=debug"});
  CHECK(out.code == 0);
  CHECK(out.document().at("link_address") == "127.0.0.1:4711");
  CHECK(out.document().at("pid") == ::getpid());
  CHECK(s.given.dir == s.dir.path() / "nodes" / "n1");
  CHECK(s.given.set == std::vector<std::string>{"log.level=debug"});
  CHECK_FALSE(std::filesystem::exists(s.dir / "nodes/n1/pid"));
}

TEST_CASE("a first SIGTERM drains the node and is no failure", "[kith][unit]") {
  stage s([](stage& self, int look) {
    if (look == 1) ::raise(SIGTERM);
    return self.begun == 1 && look > 3;
  });
  CHECK(s.kith({"run"}).code == 0);
  CHECK(s.begun == 1);
}

TEST_CASE("a second signal stops the node at once, though it has not drained", "[kith][unit]") {
  stage s([](stage&, int look) {
    if (look == 1) ::raise(SIGTERM);
    if (look == 2) ::raise(SIGINT);
    return false;
  });
  int ended_with = 0;
  s.kith.program.exit_now = [&](int code) { ended_with = code; };
  const auto out = s.kith({"run", "--json"});
  CHECK(out.code == 1);
  CHECK(ended_with == 1);
  CHECK(out.err.find("was stopped at once") != std::string::npos);
  CHECK(out.document().at("name") == "n1"); // still one document
}

TEST_CASE("a node that cannot go on ends the process with its error's exit code", "[kith][unit]") {
  stage s([](stage& self, int look) {
    if (look == 2)
      self.given.on_fatal({errc::io, "sync_failed", "the journal could not be synced"});
    return false;
  });
  const auto out = s.kith({"run"});
  CHECK(out.code == 8);
  CHECK(out.err.find("the journal could not be synced (sync_failed)") != std::string::npos);
  CHECK(s.begun == 0);
}

TEST_CASE("a node that does not start is one sentence, one document and an exit code",
          "[kith][unit]") {
  temporary_directory dir;
  command_line kith(dir.path().string());
  REQUIRE(kith({"init", "--nodes", "2"}).code == 0);
  const std::vector<std::pair<error, int>> all{
      {{errc::unavailable, "address_in_use", "127.0.0.1:4711 is in use"}, 3},
      {{errc::unauthenticated, "wrong_cluster_secret", "n1 refused us"}, 5},
      {{errc::unavailable, "state_dir_locked", "it is in use by process 7"}, 3},
      {{errc::corrupt, "store_corrupt", "the store is behind its witness"}, 8}};
  for (const auto& [e, code] : all) {
    kith.program.start_node = [&](cli::node_start) -> result<std::unique_ptr<cli::running_node>> {
      return fail(e);
    };
    const auto out = kith({"run", "--node", "n2", "--json"});
    CHECK(out.code == code);
    CHECK(out.document().at("error").at("code") == json::string(e.code));
    CHECK(std::count(out.err.begin(), out.err.end(), '\n') == 1);
  }
  CHECK(kith({"run"}).err.find("has 2 nodes: say which one with --node") != std::string::npos);
  CHECK(kith({"run", "--node", "n3"}).code == 4);
}
