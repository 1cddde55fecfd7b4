#include "tools/kith/config_check.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/test_cluster.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>

using namespace kith;
using namespace kith::cli;
using test::cluster;
using test::ok;
using test::temporary_directory;
namespace json = boost::json;

namespace {

std::vector<std::string> said(const std::string& toml) {
  config::settings into;
  std::vector<std::string> out;
  for (const auto& p : problems_of_file(toml, "kith.toml", into)) out.push_back(p.context);
  return out;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

} // namespace

TEST_CASE("every mistake of a settings file is found, each with its own line", "[kith][unit]") {
  CHECK(said("[node]\nname = 'a'\n").empty());
  CHECK(said("[link]\nlistn = 'x'\nqueue_bytes_max = 1\n\n[log]\nlevel = 'loud'\nform = 1\n") ==
        std::vector<std::string>{
            "unknown key link.listn in kith.toml line 2; did you mean link.listen?",
            "link.queue_bytes_max in kith.toml line 3 must be an integer from 65536 to "
            "4294967296, not 1",
            "log.level in kith.toml line 6 must be one of trace|debug|info|warn|error|off, not "
            "loud",
            "unknown key log.form in kith.toml line 7; did you mean log.format?"});
}

TEST_CASE("values over many lines and tables that should not be are taken out whole",
          "[kith][unit]") {
  const auto list = said("[cluster]\nseeds = [\n  'a:1',\n  '',\n]\nsecret = 'x'\n");
  REQUIRE(list.size() == 2);
  CHECK(list[0].find("cluster.seeds in kith.toml line 2") == 0);
  CHECK(list[1].find("cluster.secret in kith.toml line 6") != std::string::npos);
  const auto table = said("[link.listen]\nx = 1\ny = 2\n[log]\nlevl = 'info'\n");
  REQUIRE(table.size() == 2);
  CHECK(table[0].find("link.listen in kith.toml line 1") == 0);
  CHECK(table[1].find("log.levl in kith.toml line 5") != std::string::npos);
  const auto unknown = said("[lnik]\nlisten = 'x'\nqueue = 1\n");
  REQUIRE(unknown.size() == 2); // and not a third time, for the table that they leave empty
  CHECK(unknown[0].find("did you mean link.listen?") != std::string::npos);
}

TEST_CASE("what is no TOML ends the search, and what is sound is set", "[kith][unit]") {
  const auto broken = said("[node]\nname = \nx = 1\n");
  REQUIRE(broken.size() == 1);
  CHECK(broken[0].starts_with("kith.toml line 2"));
  config::settings into;
  CHECK(problems_of_file("node.name = 'b'\nlog.levl = 'x'", "kith.toml", into).size() == 1);
  CHECK(into.text("node.name") == "b");
  // A name that looks like a place is not one.
  CHECK(said("\"in kith.toml line 9\" = 1\nlog.levl = 1\n").size() == 2);
  std::string many;
  for (int i = 0; i < 500; ++i) many += "k" + std::to_string(i) + " = 1\n";
  CHECK(said(many).size() == config_problems_max);
}

TEST_CASE("any bytes of a settings file give problems or none", "[kith][property]") {
  const std::string whole = "[link]\nlistn = 'x'\n[cluster]\nseeds = [\n 'a',\n 1]\nb = {c = 1}\n";
  seeded_random random(5);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut)
    CHECK(said(whole.substr(0, cut)).size() <= 4);
  for (int round = 0; round < 500; ++round) {
    auto text = whole;
    for (int n = 0; n < 3; ++n) text[random.below(text.size())] = char(random.next());
    CHECK(said(text).size() <= 10);
  }
}

TEST_CASE("values that a node would not start with are found", "[kith][unit]") {
  const auto problems = [](const std::string& toml) {
    config::settings all;
    REQUIRE(all.apply_toml(toml, "kith.toml"));
    return problems_of_values(all);
  };
  CHECK(problems("").empty());
  CHECK(problems("edge.listen = '127.0.0.1:1'\nedge.tls = 'off'").empty());
  for (const auto* bad :
       {"link.listen = 'nowhere'", "cluster.seeds = ['a:1', 'b']", "edge.public_url = 'ftp://x'",
        "edge.public_url = 'https://'", "edge.allow = ['ada']", "edge.key_file = 'k.pem'",
        "edge.certificate_file = 'c.pem'", "edge.listen = '0.0.0.0:443'",
        "edge.listen = '0.0.0.0:80'\nedge.tls = 'off'"}) {
    CAPTURE(bad);
    REQUIRE(problems(bad).size() == 1);
    CHECK(problems(bad)[0].context.find("(kith.toml line ") != std::string::npos);
  }
}

TEST_CASE("a node's settings are from its file, above it variables, above them flags",
          "[kith][unit]") {
  temporary_directory dir;
  write(dir / "kith.toml", "[node]\nname = 'a'\n\n[edge]\nkey_file = 'k.pem'\n[cluster]\n"
                           "secret_file = '../s'\n[log]\nlevel = 'warn'\n");
  const auto all = load_settings(
      dir.path(), {{"KITH_LOG_LEVEL", "info"}, {"KITH_LOG_FILE", "x.log"}}, {"node.name=b"});
  REQUIRE(all);
  CHECK(all->text("node.name") == "b");
  CHECK(all->text("log.level") == "info");
  CHECK(all->text("edge.key_file") == (dir.path() / "k.pem").string());
  CHECK(all->origin("edge.key_file") == "kith.toml line 5");
  CHECK(all->text("cluster.secret_file") == (dir.path() / "../s").string());
  CHECK(all->origin("cluster.secret_file") == "kith.toml line 7");
  CHECK(all->text("log.file") == "x.log"); // from where whoever set the variable stands
  CHECK(load_settings(dir.path(), {}, {"node.name"}).error().code == "usage");
}

TEST_CASE("config show asks the node that runs, and reads the file of one that does not",
          "[kith][unit]") {
  cluster c(1);
  c.kith.environment["KITH_LOG_LEVEL"] = "debug";
  const auto at_rest = c.kith({"config", "show", "--json"});
  REQUIRE(at_rest.code == 0);
  CHECK(at_rest.document().at("running") == false);
  const auto find = [](const json::value& document, const std::string& key) {
    for (const auto& s : document.at("settings").as_array())
      if (s.at("key") == json::string(key)) return s.as_object();
    FAIL("no " << key);
    return json::object{};
  };
  CHECK(find(at_rest.document(), "log.level").at("value") == "debug");
  CHECK(find(at_rest.document(), "log.level").at("from") == "KITH_LOG_LEVEL");
  CHECK(find(at_rest.document(), "node.name").at("from") == "kith.toml line 3");
  CHECK(find(at_rest.document(), "cluster.seeds").at("value") == json::array{});
  CHECK(find(at_rest.document(), "store.cache_mb").at("value") == 64);
  CHECK(find(at_rest.document(), "store.cache_mb").at("from") == "default");
  c.serve("n1",
          {{"config", ok(R"([{"key":"log.level","toml":"\"warn\"","from":"--log.level"}])")}});
  const auto running = c.kith({"config", "show", "--json"});
  CHECK(running.document().at("running") == true);
  CHECK(running.document().at("settings").at(0).at("value") == "warn");
  CHECK(c.kith({"config", "show"}).out.find("log.level  \"warn\"  --log.level") !=
        std::string::npos);
}

TEST_CASE("config check says all that is wrong, and is exit code 2 then", "[kith][unit]") {
  cluster c(2);
  CHECK(c.kith({"config", "check"}).code == 0);
  c.kith.environment["KITH_LOG_LEVL"] = "debug";
  const auto of_environment = c.kith({"config", "check", "--json"});
  CHECK(of_environment.code == 2);
  CHECK(of_environment.document().at("environment").as_array().size() == 1);
  c.kith.environment.clear();
  write(c.path("nodes/n2/kith.toml"), "nod.name = 'x'\nlink.listen = 'x'\nlog.levl = 1\n");
  const auto checked = c.kith({"config", "check"});
  CHECK(checked.code == 2);
  CHECK(checked.out.find("n1/kith.toml is good.") != std::string::npos);
  CHECK(checked.out.find("did you mean node.name?") != std::string::npos);
  CHECK(checked.out.find("link.listen (kith.toml line 2) is no address") != std::string::npos);
  CHECK(c.kith({"config", "check", "--node", "n1"}).code == 0);
  const auto file = c.kith({"config", "check", c.path("nodes/n2/kith.toml"), "--json"});
  CHECK(file.code == 2);
  CHECK(file.document().at("ok") == false);
  CHECK(file.document().at("files").at(0).at("problems").as_array().size() == 3);
  CHECK(c.kith({"config", "check", c.path("none")}).code == 4);
}
