#include "tools/kith/init.hpp"
#include "runtime/identity/key_file.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/test_support.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sys/stat.h>

using namespace kith;
using namespace kith::cli;
using test::temporary_directory;

namespace {

unsigned mode_of(const std::filesystem::path& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777u;
}

} // namespace

TEST_CASE("init makes a secret and settings that the settings' room accepts", "[kith][unit]") {
  temporary_directory parent;
  const test::command_line kith(parent / "state");
  const auto made = kith({"init", "--nodes", "3", "--json"});
  REQUIRE(made.code == 0);
  CHECK(made.document().at("created") == boost::json::array{"n1", "n2", "n3"});
  const state_dir dir(parent / "state");
  CHECK(mode_of(dir.path()) == 0700);
  CHECK(mode_of(dir.secret_file()) == 0600);
  CHECK(read_secret_file(dir.secret_file())->size() == 64);
  std::set<std::string> addresses;
  const auto first = read_node_settings(dir.settings_file("n1")).value();
  CHECK(first.seeds.empty());
  for (const auto* name : {"n1", "n2", "n3"}) {
    const auto s = read_node_settings(dir.settings_file(name));
    REQUIRE(s);
    CHECK(s->name == name);
    CHECK(s->listen.starts_with("127.0.0.1:"));
    CHECK_FALSE(s->listen.ends_with(":0"));
    CHECK(std::filesystem::equivalent(dir.node_dir(name) / s->secret_file, dir.secret_file()));
    if (s->name != "n1") CHECK(s->seeds == std::vector{first.listen});
    addresses.insert(s->listen);
  }
  CHECK(addresses.size() == 3);
}

TEST_CASE("init again adds the nodes that are missing and leaves the others alone",
          "[kith][unit]") {
  temporary_directory parent;
  const state_dir dir(parent / "state");
  REQUIRE(init(dir, {.nodes = 1}));
  const auto before = read_node_settings(dir.settings_file("n1")).value();
  CHECK(init(dir, {.nodes = 1}).error().code == "nodes_exist");
  CHECK(init(dir, {.nodes = 3}).value() == std::vector<std::string>{"n2", "n3"});
  CHECK(read_node_settings(dir.settings_file("n1"))->listen == before.listen);
  CHECK(read_node_settings(dir.settings_file("n3"))->seeds == std::vector{before.listen});
}

TEST_CASE("init joins a cluster elsewhere with its secret", "[kith][unit]") {
  temporary_directory parent;
  const state_dir there(parent / "there"), here(parent / "here");
  REQUIRE(init(there, {.nodes = 1}));
  CHECK(init(here, {.nodes = 1, .join = "10.0.0.1:4711"}).error().code == "join_needs_secret");
  REQUIRE(init(here, {.nodes = 2,
                      .listen = "10.0.0.2:5000",
                      .join = "10.0.0.1:4711",
                      .secret_file = there.secret_file()}));
  CHECK(*read_secret_file(here.secret_file()) == *read_secret_file(there.secret_file()));
  const auto second = read_node_settings(here.settings_file("n2")).value();
  CHECK(second.listen == "10.0.0.2:5001");
  CHECK(second.seeds == std::vector<std::string>{"10.0.0.1:4711"});
  const state_dir other(parent / "other");
  REQUIRE(init(other, {.nodes = 1}));
  CHECK(init(here, {.nodes = 3, .join = "10.0.0.1:4711", .secret_file = other.secret_file()})
            .error()
            .code == "other_cluster");
}

TEST_CASE("init refuses addresses and secrets that cannot be", "[kith][unit]") {
  temporary_directory parent;
  const state_dir dir(parent / "state");
  for (const auto* bad : {"nonsense", "127.0.0.1:0", "127.0.0.1:65535", "unix:/x"})
    CHECK(init(dir, {.nodes = 2, .listen = bad}).error().category == errc::invalid);
  CHECK_FALSE(init(dir, {.nodes = 1, .join = "nonsense", .secret_file = "x"}));
  CHECK_FALSE(init(dir, {.nodes = 1, .join = "h:1", .secret_file = parent / "missing"}));
  CHECK(dir.node_names().empty());
}

TEST_CASE("settings survive names with quotes and backslashes", "[kith][unit]") {
  temporary_directory parent;
  const node_settings odd{"n1", "127.0.0.1:1", {"a:1", "b:2"}, R"(/a "b"\c)"};
  std::ofstream(parent / "kith.toml") << to_toml(odd);
  const auto back = read_node_settings(parent / "kith.toml");
  REQUIRE(back);
  CHECK(back->secret_file == odd.secret_file);
  CHECK(back->seeds == odd.seeds);
}

TEST_CASE("nodes are found by name, in the order of their numbers, and near misses are named",
          "[kith][unit]") {
  temporary_directory parent;
  const state_dir dir(parent / "state");
  CHECK(dir.find_node("n1").error().code == "state_dir_missing");
  REQUIRE(init(dir, {.nodes = 11}));
  std::filesystem::create_directories(dir.node_dir("no settings"));
  std::filesystem::create_directories(dir.node_dir("empty"));
  const auto names = dir.node_names();
  REQUIRE(names.size() == 11);
  CHECK(names[1] == "n2");
  CHECK(names[10] == "n11");
  CHECK(dir.find_node("n2") == "n2");
  const auto wrong = dir.find_node("../n2");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == "unknown_node");
  CHECK(dir.find_node("m11").error().context.find("'n11'") != std::string::npos);
  CHECK(is_node_name("a-B_9"));
  for (const auto* bad : {"", ".", "..", "a/b", "a b", "é", "0123456789012345678901234567890123"})
    CHECK_FALSE(is_node_name(bad));
}
