#include "tools/kith/command_line.hpp"
#include "tools/kith/test_support.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::cli;

namespace {

result<parsed> parse(const std::vector<std::string>& arguments,
                     const program& what = {.version = "1.2.3"}) {
  std::istringstream in;
  std::ostringstream out;
  const console io{in, out, out, false, false, [](const std::string&) { return std::nullopt; }};
  return parse_command_line(arguments, what, io);
}
options parsed_ok(const std::vector<std::string>& arguments) {
  return std::get<options>(parse(arguments).value());
}
std::string usage(const std::vector<std::string>& arguments) {
  const auto p = parse(arguments);
  REQUIRE_FALSE(p);
  CHECK(p.error().category == errc::invalid);
  return p.error().context;
}

} // namespace

TEST_CASE("options that all commands share stand before or after the command", "[kith][unit]") {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"--dir", "d", "--json", "--node", "n2", "ps"},
                                             {"ps", "--dir", "d", "--json", "--node", "n2"}}) {
    const auto o = parsed_ok(arguments);
    CHECK(o.command == "ps");
    CHECK(o.dir == "d");
    CHECK(o.node == "n2");
    CHECK(o.json);
  }
  CHECK(parsed_ok({"ps"}).dir == "./kith-data");
  CHECK(parsed_ok({"dlq", "ls", "--json"}).command == "dlq ls");
  CHECK(parsed_ok({"dlq", "ls", "--json"}).json);
}

TEST_CASE("the node to spawn on is apart from the node to ask", "[kith][unit]") {
  const auto o = parsed_ok({"--node", "n1", "spawn", "greeter", "--name", "ada", "--node", "n2"});
  CHECK(o.node == "n1");
  CHECK(o.on_node == "n2");
  CHECK(o.type == "greeter");
  CHECK(o.name == "ada");
}

TEST_CASE("text may be the name of a command, a dash, or begin with dashes after --",
          "[kith][unit]") {
  CHECK(parsed_ok({"send", "ada", "greet", "ps"}).text == "ps");
  CHECK(parsed_ok({"send", "ps", "stop", "up"}).to == "ps");
  CHECK(parsed_ok({"send", "ada", "greet", "-"}).text == "-");
  CHECK(parsed_ok({"send", "ada", "add", "--", "--5"}).text == "--5");
  CHECK(parsed_ok({"send", "ada", "add", "--json-payload", "-5"}).json_payload == "-5");
  CHECK(parsed_ok({"send", "ada", "greet", ""}).text == "");
  CHECK(parsed_ok({"ask", "ada", "greet"}).text == "");
}

TEST_CASE("settings given to run are kept in their order and commas in them are kept",
          "[kith][unit]") {
  const auto o = parsed_ok({"run", "--node", "n1", "--set", "a=1,2", "--set", "b=x y"});
  CHECK(o.node == "n1");
  CHECK(o.set == std::vector<std::string>{"a=1,2", "b=x y"});
}

TEST_CASE("wrong usage is one sentence that points to help", "[kith][unit]") {
  CHECK(usage({"sned", "a"}) ==
        "there is no command 'sned', did you mean 'send'?; see `kith --help`");
  CHECK(usage({"--json"}).find("`kith --help`") != std::string::npos);
  CHECK(usage({"send", "ada"}).find("`kith send --help`") != std::string::npos);
  CHECK(usage({"ps", "--colour"}).find("--colour") != std::string::npos);
  CHECK(usage({"up", "--nodes", "0"}).find("`kith up --help`") != std::string::npos);
  CHECK(usage({"up", "--nodes", "65"}).find("`kith up --help`") != std::string::npos);
  CHECK(usage({"send", "a", "b", "c", "--json-payload", "1"}).find("excludes") !=
        std::string::npos);
  CHECK(usage({"dlq"}).find("`kith dlq --help`") != std::string::npos);
  for (const auto& line : {usage({"sned"}), usage({"send"}), usage({"up", "--nodes", "x"})})
    CHECK(line.find('\n') == std::string::npos);
}

TEST_CASE("every command has help with examples, and the exit codes are documented",
          "[kith][unit]") {
  const auto help = [](const std::vector<std::string>& arguments) {
    return std::get<already_answered>(parse(arguments).value()).out;
  };
  CHECK(help({}) == help({"--help"}));
  CHECK(help({"--help"}).find("Exit codes: 0 ok; 1 failed") != std::string::npos);
  CHECK(help({"--version"}) == "kith 1.2.3\n");
  for (const auto* name : {"init", "up", "run", "ps", "tree", "spawn", "agents", "send", "ask",
                           "where", "stop", "version", "doctor", "logs", "inbox", "timers"}) {
    const auto text = help({name, "--help"});
    CHECK(text.find(std::string("\n  kith ") + name) != std::string::npos);
    CHECK(help({"--help"}).find(std::string("\n  ") + name + " ") != std::string::npos);
  }
  for (const std::string name :
       {"dlq ls", "dlq show", "dlq replay", "dlq purge", "config show", "config check", "did new",
        "did show", "did resolve", "did rotate", "timers cancel"}) {
    const auto space = name.find(' ');
    CHECK(
        help({name.substr(0, space), name.substr(space + 1), "--help"}).find("\n  kith " + name) !=
        std::string::npos);
  }
}

TEST_CASE("a command of another library gets its own arguments untouched", "[kith][unit]") {
  test::temporary_directory dir;
  test::command_line kith(dir.path().string());
  std::vector<std::string> seen;
  kith.program.commands.push_back({"bench", "Measure", true, [&](const console&, const options& o) {
                                     seen = o.rest;
                                     return 7;
                                   }});
  CHECK(kith({"bench", "--json", "--help", "-x", "send"}).code == 7);
  CHECK(seen == std::vector<std::string>{"--json", "--help", "-x", "send"});
  CHECK(kith({"--help"}).out.find("bench") == std::string::npos);
}

TEST_CASE("version and wrong usage are documents with --json", "[kith][unit]") {
  test::temporary_directory dir;
  const test::command_line kith(dir.path().string());
  CHECK(kith({"version"}).out == "kith 1.2.3\n");
  CHECK(kith({"version", "--json"}).document().at("version") == "1.2.3");
  const auto wrong = kith({"--json", "sned"});
  CHECK(wrong.code == 2);
  CHECK(wrong.document().at("error").at("code") == "usage");
  CHECK(wrong.err.find("did you mean 'send'") != std::string::npos);
}
