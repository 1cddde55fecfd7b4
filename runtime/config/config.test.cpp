#include "runtime/base/bytes.hpp"
#include "runtime/base/random.hpp"
#include "runtime/config/settings.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <unistd.h>

using namespace kith;
using namespace kith::config;

namespace {

const char* const example = R"(# a node
[node]
name = "alpha"

[link]
listen = "0.0.0.0:4001"

[cluster]
seeds = ["a:1", "b:2"]
[turn]
attempts_max = 7
[test]
lose_unsynced = true
)";

error refused(std::string_view toml) {
  settings s;
  const auto ok = s.apply_toml(toml, "kith.toml");
  REQUIRE_FALSE(ok);
  return ok.error();
}

} // namespace

TEST_CASE("the table's names, variables and defaults are sound", "[config][unit]") {
  std::set<std::string> names, variables;
  for (const known_key& k : known_keys()) {
    CAPTURE(k.name);
    CHECK(names.insert(std::string(k.name)).second);
    CHECK(variables.insert(k.env_name()).second);
    CHECK_FALSE(k.doc.empty());
    CHECK((k.type != value_type::integer || k.min < k.max));
    CHECK(settings().origin(k.name) == "default");
  }
  CHECK(find_key("link.listen")->env_name() == "KITH_LINK_LISTEN");
  const settings s;
  CHECK(s.text("link.listen") == "127.0.0.1:0");
  CHECK(s.integer("turn.attempts_max") == 5);
  CHECK_FALSE(s.boolean("test.lose_unsynced"));
  CHECK(s.list("cluster.seeds").empty());
  CHECK(s.milliseconds("shutdown.deadline_ms") == std::chrono::seconds(10));
}

TEST_CASE("a file is read, also with dotted keys and inline tables", "[config][unit]") {
  settings s;
  REQUIRE(s.apply_toml(example, "kith.toml"));
  CHECK(s.text("node.name") == "alpha");
  CHECK(s.list("cluster.seeds") == std::vector<std::string>{"a:1", "b:2"});
  CHECK(s.integer("turn.attempts_max") == 7);
  CHECK(s.boolean("test.lose_unsynced"));
  CHECK(s.origin("link.listen") == "kith.toml line 6");
  REQUIRE(s.apply_toml("link.listen = 'b:1'\nmailbox = { count_max = 9 }", "kith.toml"));
  CHECK(s.text("link.listen") == "b:1");
  CHECK(s.integer("mailbox.count_max") == 9);
}

TEST_CASE("flags go before variables, variables before the file, the file before the defaults",
          "[config][unit]") {
  const auto path = std::filesystem::temp_directory_path() /
                    ("kith-config-" + std::to_string(::getpid()) + ".toml");
  std::ofstream(path) << example;
  const sources from{
      path,
      {{"KITH_LINK_LISTEN", "v:2"}, {"KITH_TURN_ATTEMPTS_MAX", "8"}},
      {{"link.listen", "f:2"}, {"link.listen", "f:3"}, {"cluster.seeds", "x:1, y:2"}}};
  const auto s = settings::load(from);
  std::filesystem::remove(path);
  REQUIRE(s);
  CHECK(s->text("link.listen") == "f:3");
  CHECK(s->origin("link.listen") == "--link.listen");
  CHECK(s->integer("turn.attempts_max") == 8);
  CHECK(s->origin("turn.attempts_max") == "KITH_TURN_ATTEMPTS_MAX");
  CHECK(s->text("node.name") == "alpha");
  CHECK(s->list("cluster.seeds") == std::vector<std::string>{"x:1", "y:2"});
  CHECK(s->origin("log.level") == "default");
  CHECK(settings::load({path, {}, {}}).error().code == "config_missing");
}

TEST_CASE("an unknown key names itself, its place and the nearest known one", "[config][unit]") {
  CHECK(refused("[link]\n\nlistn = 'x'").code == "unknown_key");
  CHECK(refused("[link]\n\nlistn = 'x'").context ==
        "unknown key link.listn in kith.toml line 3; did you mean link.listen?");
  CHECK(refused("[lnik]\nlisten = 'x'").context ==
        "unknown key lnik.listen in kith.toml line 2; did you mean link.listen?");
  CHECK(refused("listen = 1").context.find("did you mean link.listen?") != std::string::npos);
  CHECK(refused("[link.listen]\nx = 1").code == "bad_value");
  CHECK(refused("z = 1\na = 1").context.find("key z in kith.toml line 1") != std::string::npos);

  settings s;
  CHECK(s.apply_flags({{"log.levl", "x"}}).error().context ==
        "unknown key log.levl in the flags; did you mean log.level?");
  CHECK(s.apply_environment({{"KITH_LINK_LISTN", "x"}}).error().context ==
        "unknown key KITH_LINK_LISTN in the environment; did you mean KITH_LINK_LISTEN?");
}

TEST_CASE("a wrong value says what was expected", "[config][unit]") {
  CHECK(refused("[turn]\nattempts_max = 'many'").context ==
        "turn.attempts_max in kith.toml line 2 must be an integer from 1 to 1000, not a text");
  CHECK(refused("turn.attempts_max = 0").context.find("not 0") != std::string::npos);
  CHECK(refused("turn.attempts_max = 1.5").code == "bad_value");
  CHECK(refused("test.lose_unsynced = 1").code == "bad_value");
  CHECK(refused("link.listen = 1979-05-27").code == "bad_value");
  CHECK(refused("cluster.seeds = ['a', 1]").code == "bad_value");
  CHECK(refused("cluster.seeds = ['a', '']").code == "bad_value");
  CHECK(refused("log.format = 'xml'").context ==
        "log.format in kith.toml line 1 must be one of text|json, not xml");
  settings s;
  for (const char* text : {"", "x", "5x", "0", "1001", "99999999999999999999", " 5"})
    CHECK(s.apply_flags({{"turn.attempts_max", text}}).error().code == "bad_value");
  CHECK(s.apply_flags({{"test.lose_unsynced", "yes"}}).error().code == "bad_value");
  CHECK(s.apply_flags({{"cluster.seeds", "a,,b"}}).error().code == "bad_value");
  CHECK(s.apply_flags({{"cluster.seeds", std::string(5000, ',')}}).error().code == "bad_value");
  CHECK(s.apply_flags({{"node.name", std::string(5000, 'x')}}).error().code == "bad_value");
  CHECK(s.apply_flags({{"node.name", std::string("a\0b", 3)}}).error().code == "bad_value");
  CHECK(s.integer("turn.attempts_max") == 5);
}

TEST_CASE("a file with a mistake changes nothing", "[config][unit]") {
  settings s;
  CHECK_FALSE(s.apply_toml("node.name = 'x'\nlog.format = 'xml'", "kith.toml"));
  CHECK(s.text("node.name") == "node");
}

TEST_CASE("what is no TOML is refused with its line", "[config][unit]") {
  CHECK(refused("[node]\nname = ").code == "bad_toml");
  CHECK(refused("[node]\nname = ").context.starts_with("kith.toml line 2"));
  CHECK(refused("node.name = 'a'\nnode.name = 'b'").code == "bad_toml");
  CHECK(refused(std::string(settings::file_size_max + 1, '\n')).code == "config_too_large");
  CHECK(refused("x = " + std::string(500'000, '[')).code == "bad_toml");
  std::string deep = "a";
  for (int i = 0; i < 500'000; ++i) deep += ".a";
  CHECK(refused(deep + " = 1").code == "bad_toml");
  CHECK(refused("[" + deep + "]").code == "bad_toml");
  CHECK(refused(deep.substr(0, 1999) + " = 1").code == "unknown_key");
  CHECK(refused("a = '\x80'").code == "bad_toml");
}

TEST_CASE("any bytes give a result", "[config][property]") {
  const std::string whole = example;
  for (std::size_t cut = 0; cut <= whole.size(); ++cut)
    (void)settings().apply_toml(whole.substr(0, cut), "kith.toml");
  seeded_random random(11);
  int accepted = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string text = whole;
    for (std::uint64_t n = 1 + random.below(4); n > 0; --n)
      text[random.below(text.size())] = char(random.next());
    settings s;
    if (s.apply_toml(text, "kith.toml")) ++accepted;
    CHECK(s.dump().size() == known_keys().size());
  }
  CHECK(accepted > 0);
  CHECK(accepted < 5000);
}

TEST_CASE("the dump is TOML that means the same", "[config][property]") {
  settings s;
  REQUIRE(s.apply_toml(example, "kith.toml"));
  REQUIRE(s.apply_flags({{"node.name", "a \"b\" \\ \n\x7f"}}));
  std::string written;
  for (const effective& e : s.dump()) {
    CHECK_FALSE(e.origin.empty());
    written += e.name + " = " + e.value + "\n";
  }
  settings again;
  REQUIRE(again.apply_toml(written, "again"));
  const auto before = s.dump(), after = again.dump();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(before[i].value == after[i].value);
}

TEST_CASE("only KITH_ variables are taken from the environment", "[config][unit]") {
  const char* const variables[] = {"PATH=/bin", "KITH_NODE_NAME=x=y", "KITH_BROKEN", nullptr};
  CHECK(read_environment(variables) == std::vector<named_text>{{"KITH_NODE_NAME", "x=y"}});
  CHECK(read_environment(nullptr).empty());
}
