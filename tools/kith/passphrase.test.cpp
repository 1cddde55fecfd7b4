// Passphrases: who is asked, how often, and what is sealed under the answers. The terminal itself
// is tried by tests/e2e/passphrase.py.
#include "tools/kith/passphrase.hpp"
#include "runtime/identity/keystore.hpp"
#include "tools/kith/child_process.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/test_support.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

using namespace kith;
using namespace kith::cli;
using test::command_line;
using test::temporary_directory;

namespace {

constexpr const char* right = "correct horse battery";
constexpr const char* other = "another battery staple";

struct stage {
  temporary_directory dir;
  command_line kith{dir / "state"};
  std::deque<std::string> answers; // none left: as Ctrl-C
  std::vector<std::string> questions;

  stage() {
    kith.ask_secret = [this](const std::string& question) -> result<crypto::secret_buffer> {
      questions.push_back(question);
      if (answers.empty()) return fail(errc::cancelled, "interrupted", "no passphrase was given");
      crypto::secret_buffer answer(as_bytes(answers.front()));
      answers.pop_front();
      return answer;
    };
  }
  stage(const stage&) = delete;

  test::outcome run(std::vector<std::string> arguments, std::deque<std::string> typed) {
    answers = std::move(typed);
    questions.clear();
    return kith(std::move(arguments));
  }
  std::string key_file(const std::string& node) const {
    return dir / ("state/nodes/" + node + "/keys/node.key");
  }
  bool sealed(const std::string& node) const {
    return is_sealed_key_file(as_bytes(read_some(key_file(node), 0, 1024)));
  }
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("init --passphrase asks twice, and seals the new keys under it", "[kith][unit]") {
  stage s;
  const auto made = s.run({"init", "--nodes", "2", "--passphrase"}, {right, right});
  INFO(made.err);
  REQUIRE(made.code == 0);
  CHECK(s.questions == texts{"New passphrase for nodes n1, n2: ", "The same once more: "});
  CHECK(s.sealed("n1"));
  CHECK(s.sealed("n2"));
  CHECK(decode_sealed_key_file(as_bytes(read_some(s.key_file("n2"), 0, 1024)), as_bytes(right)));
  // Those that are there are left alone, and nobody is asked.
  CHECK(s.run({"init", "--nodes", "2", "--passphrase"}, {right, right}).code == 1);
  CHECK(s.questions.empty());
}

TEST_CASE("a new passphrase that is short or not said twice is asked for again, and then nothing "
          "is made",
          "[kith][unit]") {
  stage s;
  const auto made = s.run({"init", "--passphrase", "--json"}, {"short", right, other, right, "x"});
  CHECK(made.code == 5);
  CHECK(made.document().at("error").at("code") == "passphrase_unset");
  CHECK(s.questions.size() == 5);
  CHECK_FALSE(std::filesystem::exists(s.dir / "state"));
  CHECK(s.run({"init", "--passphrase"}, {right}).code == 1); // interrupted
  CHECK_FALSE(std::filesystem::exists(s.dir / "state"));
  CHECK(s.run({"init", "--passphrase"}, {other, right, right, right}).code == 0);
  CHECK(s.sealed("n1"));
}

TEST_CASE("whoever needs a sealed key asks three times, and says what to set without a terminal",
          "[kith][unit]") {
  stage s;
  REQUIRE(s.run({"init", "--passphrase"}, {right, right}).code == 0);
  const auto shown = s.run({"did", "show", "--json"}, {"wrong", right});
  REQUIRE(shown.code == 0);
  CHECK(s.questions == texts(2, "Passphrase for node n1: "));
  CHECK(shown.err.find("try again") != std::string::npos);
  for (const auto& command : {texts{"did", "show"}, texts{"run"}, texts{"up"}}) {
    const auto refused = s.run(command, {"", other, "wrong", right});
    CHECK(refused.code == 5);
    CHECK(refused.err.find("passphrase_wrong") != std::string::npos);
    CHECK(s.questions.size() == passphrase_tries_max);
    CHECK(s.run(command, {}).code == 1); // interrupted
  }
  s.kith.ask_secret = nullptr;
  for (const auto& command : {texts{"did", "show"}, texts{"run"}, texts{"up"}}) {
    const auto refused = s.kith(command);
    CHECK(refused.code == 5);
    CHECK(refused.err.find("passphrase_needed") != std::string::npos);
    CHECK(refused.err.find("set keys.passphrase_file") != std::string::npos);
  }
  CHECK(s.kith({"init", "--nodes", "2", "--passphrase"}).code == 5);
}

TEST_CASE("run hands the node what was typed, or what a descriptor gave", "[kith][unit]") {
  stage s;
  REQUIRE(s.run({"init", "--passphrase"}, {right, right}).code == 0);
  std::string given;
  s.kith.program.start_node = [&](node_start start) -> result<std::unique_ptr<running_node>> {
    given = start.passphrase ? as_text(start.passphrase->expose()) : "none";
    return fail(errc::unavailable, "enough", "");
  };
  CHECK(s.run({"run"}, {right}).code == 3);
  CHECK(given == right);

  const auto by_descriptor = [&](const std::string& text) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(::write(ends[1], text.data(), text.size()) == ssize_t(text.size()));
    ::close(ends[1]);
    const auto out = s.run({"run", "--json", "--passphrase-fd", std::to_string(ends[0])}, {});
    CHECK(s.questions.empty());
    return std::string(out.document().at("error").at("code").as_string());
  };
  given.clear();
  CHECK(by_descriptor(std::string(other) + "\n") == "enough");
  CHECK(given == other);
  CHECK(by_descriptor("short\n") == "secret_too_short");
  CHECK(by_descriptor(std::string(1025, 'x')) == "passphrase_size");
  CHECK(by_descriptor(std::string(1024, 'x')) == "enough");
  CHECK(s.run({"run", "--passphrase-fd", "999"}, {}).code == 2);

  // Somebody else's affair.
  s.kith.environment["KITH_KEYS_PASSPHRASE_FILE"] = s.dir / "passphrase";
  CHECK(s.run({"run"}, {right}).code == 3);
  CHECK(s.questions.empty());
  CHECK(given == "none");
}

TEST_CASE("a question is for all nodes, and again for those that have another passphrase",
          "[kith][unit]") {
  stage s;
  REQUIRE(s.run({"init", "--nodes", "2", "--passphrase"}, {right, right}).code == 0);
  REQUIRE(s.run({"init", "--nodes", "4", "--passphrase"}, {other, other}).code == 0);
  REQUIRE(s.run({"init", "--nodes", "5"}, {}).code == 0); // not sealed
  std::ostringstream out, err;
  std::istringstream in;
  const console io{in, out, err, false, false, nullptr, {}, s.kith.ask_secret};
  const options given{.dir = s.dir / "state"};
  const context c{given, s.kith.program, io, state_dir(given.dir)};
  const texts names{"n1", "n2", "n3", "n4", "n5"};
  s.answers = {right, other};
  s.questions.clear();
  const auto all = ask_for_nodes(c, names, nullptr);
  REQUIRE(all);
  CHECK(s.questions ==
        texts{"Passphrase for nodes n1, n2, n3, n4: ", "Passphrase for nodes n3, n4: "});
  REQUIRE(all->size() == 4);
  CHECK(as_text(all->at("n2").expose()) == right);
  CHECK(as_text(all->at("n4").expose()) == other);

  // One that is known is not asked for.
  const crypto::secret_buffer known(as_bytes(std::string_view(right)));
  s.answers = {other};
  s.questions.clear();
  CHECK(ask_for_nodes(c, names, &known).value().size() == 4);
  CHECK(s.questions == texts{"Passphrase for nodes n3, n4: "});
}

TEST_CASE("keys that are not sealed yet are sealed by up --passphrase", "[kith][unit]") {
  stage s;
  REQUIRE(s.kith({"init", "--nodes", "2"}).code == 0);
  system_random random;
  const auto before = keystore::open_or_create(s.dir / "state/nodes/n1/keys", random).value();
  s.kith.program.executable = "/bin/false"; // they are only to be started
  CHECK(s.run({"up", "--passphrase"}, {right, right}).code != 0);
  CHECK(s.questions == texts{"New passphrase for nodes n1, n2: ", "The same once more: "});
  CHECK(s.sealed("n1"));
  CHECK(s.sealed("n2"));
  const auto key = decode_sealed_key_file(as_bytes(read_some(s.key_file("n1"), 0, 1024)),
                                          as_bytes(std::string_view(right)));
  REQUIRE(key);
  CHECK(key->did() == before.node_key().did());
  // Nothing is left to be sealed: this is a question for the old one.
  CHECK(s.run({"up", "--nodes", "3", "--passphrase"}, {right, right, right}).code != 0);
  CHECK(s.sealed("n3"));
  s.kith.environment["KITH_KEYS_PASSPHRASE_FILE"] = s.dir / "passphrase";
  const auto refused = s.run({"up", "--passphrase"}, {right, right});
  CHECK(refused.code == 2);
  CHECK(refused.err.find("n1, which has keys.passphrase_file") != std::string::npos);
}

TEST_CASE("an identity of its own can be sealed, and its next key is too", "[kith][unit]") {
  stage s;
  const auto key = s.dir / "ada.key", history = s.dir / "ada.history";
  constexpr const char* web = "did:web:example.com:ada";
  REQUIRE(s.run({"did", "new", "--out", key, "--web", web, "--history", history, "--passphrase"},
                {right, right})
              .code == 0);
  CHECK(s.questions.front() == "New passphrase for " + key + ": ");
  CHECK(s.run({"did", "show", key}, {right}).code == 0);
  CHECK(s.questions == texts{"Passphrase for " + key + ": "});
  CHECK(s.run({"did", "show", key}, {other, other, other}).code == 5);
  CHECK(s.run({"did", "rotate", "--did", web, "--history", history, "--key", key}, {right}).code ==
        0);
  CHECK(s.questions.size() == 1);
  CHECK(s.run({"did", "show", key + ".1"}, {right}).code == 0);
  CHECK(s.questions.size() == 1);
}

TEST_CASE("a child reads its secret at a descriptor, and has it nowhere else", "[kith][unit]") {
  temporary_directory dir;
  const std::string text = "never seen in argv or environ";
  const crypto::secret_buffer secret(as_bytes(text));
  child_process::spec what;
  what.executable = "/bin/sh";
  what.arguments = {"-c", "cat <&3; cat <&3; tr '\\0' '\\n' </proc/$$/cmdline; env"};
  what.log = dir / "log";
  what.secret = &secret;
  auto child = child_process::start(what);
  REQUIRE(child);
  pollfd fd{child->fd(), POLLIN, 0};
  while (!child->gone()) {
    ::poll(&fd, 1, 10'000);
    child->read_output();
  }
  CHECK(child->output().starts_with(text));
  CHECK(child->output().rfind(text) == 0);
  CHECK(child->status() == 0);
}
