// Commands against a real node in this process: what only it can answer.
#include "actors/node/node.hpp"
#include "protocols/did/did_web.hpp"
#include "runtime/base/base64.hpp"
#include "runtime/identity/delegation.hpp"
#include "runtime/identity/keystore.hpp"
#include "runtime/net/asio_network.hpp"
#include "runtime/net/http_client.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/init.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/test_support.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <kith/kith.hpp>
#include <poll.h>

using namespace kith;
using test::command_line;
using test::temporary_directory;
namespace bj = boost::json;

namespace {

constexpr duration patience = std::chrono::seconds(30);

// Throws until it was told to be well.
struct fragile : kith::agent {
  using agent::agent;
  void setup() override {
    on("work", [this](const std::string& what) {
      if (!well.get()) throw std::runtime_error("not well");
      done.set(done.get() + what);
    });
    on("recover", [this] { well.set(true); });
    on("done", [this] { return done.get(); });
  }
  kith::durable<bool> well{*this, "well", false};
  kith::durable<std::string> done{*this, "done", ""};
};
KITH_AGENT(fragile);

// What comes over HTTP for one request.
net::fetch_answer fetched(net::fetch_request request) {
  const auto trust = net::tls_client_context::make({.system_roots = false}).value();
  system_clock time;
  net::asio_reactor reactor;
  reactor.start();
  net::asio_network network(reactor);
  std::unique_ptr<net::http_client> client;
  std::promise<result<net::fetch_answer>> said;
  reactor.call([&] {
    client = std::make_unique<net::http_client>(reactor, network, time, *trust,
                                                net::http_client_options{.allow_private = true});
    client->fetch(std::move(request), {},
                  [&](result<net::fetch_answer> r) { said.set_value(std::move(r)); });
  });
  auto answer = said.get_future().get();
  reactor.call([&] { client.reset(); });
  reactor.stop();
  return answer.value();
}

struct stage {
  temporary_directory dir;
  command_line kith{dir.path().string()};
  std::unique_ptr<node> running;

  explicit stage(const std::string& settings = "") {
    kith.program.version = KITH_VERSION;
    REQUIRE(kith({"init"}).code == 0);
    std::ofstream(dir / "nodes/n1/kith.toml", std::ios::app)
        << "\n[turn]\nattempts_max = 1\nretry_delay_ms = 0\n"
        << settings;
    start();
  }
  void start() {
    const auto home = dir.path() / "nodes" / "n1";
    auto settings = cli::load_settings(home, {}, {"log.level=off"});
    REQUIRE(settings);
    auto started = node::start({std::move(*settings), home, {}});
    REQUIRE(started);
    running = std::move(*started);
    until([&] { return ask({"ps"}).at("nodes").at(0).at("state") == "ready"; });
  }
  // An agent, once its node knows it by its name.
  void spawn(const std::string& name) {
    ask({"spawn", "fragile", "--name", name});
    until([&] {
      const auto out = kith({"agents", "--json"}).out;
      return out.find("\"" + name + "\"") != out.npos;
    });
  }
  // The document of a command that must succeed.
  bj::value ask(std::vector<std::string> arguments, int code = 0) {
    arguments.push_back("--json");
    const auto out = kith(arguments);
    INFO(out.err);
    CHECK(out.code == code);
    return bj::parse(out.out);
  }
  template <class Condition> void until(Condition met) {
    const system_clock clock;
    const auto end = clock.now() + patience;
    while (!met()) {
      REQUIRE(clock.now() < end);
      ::poll(nullptr, 0, 20);
    }
  }
  bj::array letters() { return ask({"dlq", "ls"}).as_array(); }
};

} // namespace

TEST_CASE("a dead letter is replayed as a new message that says so, and goes with that",
          "[kith][unit]") {
  stage s;
  s.spawn("f");
  s.ask({"send", "f", "work", "a"});
  s.until([&] { return s.letters().size() == 1; });
  const std::string id(s.letters()[0].at("id").as_string());
  // It fails once more: then there is another dead letter in place of the first.
  const auto again = s.ask({"dlq", "replay", id}).at("replayed").at(0);
  CHECK(again.at("id") != again.at("replay_of"));
  s.until([&] { return s.letters().size() == 1; });
  CHECK(s.letters()[0].at("id") == again.at("id"));
  CHECK(s.letters()[0].at("replay_of") == bj::string(id));
  CHECK(s.ask({"dlq", "replay", id}, 4).at("replayed").as_array().empty());

  s.ask({"send", "f", "recover"});
  s.ask({"dlq", "replay", "--all"});
  CHECK(s.letters().empty());
  s.until([&] { return s.ask({"ask", "f", "done"}).at("text") == "a"; });

  // It stays so after a restart.
  s.running.reset();
  s.start();
  CHECK(s.letters().empty());
  CHECK(s.ask({"ask", "f", "done"}).at("text") == "a");
}

TEST_CASE("purged dead letters are gone, and unknown ones are said to be", "[kith][unit]") {
  stage s;
  s.spawn("f");
  for (const auto* what : {"a", "b", "c"}) s.ask({"send", "f", "work", what});
  s.until([&] { return s.letters().size() == 3; });
  CHECK(s.ask({"doctor"}).at("ok") == true); // dead letters are a warning
  const std::string first(s.letters()[0].at("id").as_string());
  const std::string nobody = "01939d4e-0000-7000-8000-000000000001";
  const auto some = s.ask({"dlq", "purge", first, nobody}, 4);
  CHECK(some.at("purged") == bj::array{first});
  CHECK(some.at("missing") == bj::array{nobody});
  CHECK(s.letters().size() == 2);
  CHECK(s.ask({"dlq", "purge", "--all", "--agent", "f", "--yes"}).at("purged").as_array().size() ==
        2);
  CHECK(s.letters().empty());
  CHECK(s.ask({"where", first}).at("state") == "dead"); // what became of it is still known
}

TEST_CASE("a node shows its settings, its health and itself", "[kith][unit]") {
  stage s;
  const auto shown = s.ask({"config", "show"});
  CHECK(shown.at("running") == true);
  bool seen = false;
  for (const auto& v : shown.at("settings").as_array())
    if (v.at("key") == "log.level") {
      seen = true;
      CHECK(v.at("value") == "off");
      CHECK(v.at("from") == "--log.level");
    }
  CHECK(seen);
  CHECK(s.ask({"did", "show"}).at("did") == bj::string(s.running->id().text()));
  const auto examined = s.ask({"doctor"});
  CHECK(examined.at("ok") == true);
  const auto wide = s.ask({"agents", "--wide"});
  CHECK(wide.as_array().empty());
  s.running.reset(); // as if it had been killed: not in order
  s.start();
  CHECK(s.kith({"doctor"}).out.find("Its last stop was not in order") != std::string::npos);
  s.running->begin_stop();
  REQUIRE(s.running->wait_stopped(patience));
  s.running.reset();
  const auto plain = s.ask({"did", "show"}); // from its key file
  CHECK(plain.at("keys").as_array().size() == 1);
  CHECK(s.ask({"doctor"}).at("ok") == true);

  // Sealed from its next start on, and opened with the passphrase only.
  s.kith.environment["KITH_KEYS_PASSPHRASE_FILE"] = s.dir / "passphrase";
  CHECK(s.ask({"doctor"}).at("ok") == true);
  std::ofstream(s.dir / "passphrase") << "sixteen bytes or more\n";
  std::filesystem::permissions(s.dir / "passphrase", std::filesystem::perms(0600));
  system_random random;
  const auto secret = read_secret_file(s.dir / "passphrase").value();
  REQUIRE(keystore::open_or_create(s.dir / "nodes/n1/keys", random, &secret));
  CHECK(s.ask({"did", "show"}) == plain);
  CHECK(s.ask({"doctor"}).at("ok") == true);
  s.kith.environment.clear();
  CHECK(s.ask({"did", "show"}, 5).at("error").at("code") == "passphrase_needed");
  CHECK(s.kith({"doctor"}).out.find("Set keys.passphrase_file") != std::string::npos);
}

TEST_CASE("what waits for a DID outside is shown, and followed", "[kith][unit]") {
  stage s("[edge]\nlisten = '127.0.0.1:0'\ntls = 'off'\nmailboxes = 'open'\n");
  const std::string edge(s.ask({"ps"}).at("nodes").at(0).at("edge_url").as_string());
  CHECK(s.kith({"ps"}).out.find(edge) != std::string::npos);
  CHECK(s.kith({"doctor"}).out.find(edge + " answers.") != std::string::npos);

  system_random random;
  const auto key = secret_key::generate(random);
  const auto word =
      delegation::make(key, s.running->id(), 1, system_clock().wall() + delegation::lifetime_ms);
  net::fetch_request open;
  open.method = "PUT";
  open.url = edge + "/api/mailboxes/" + key.did().text();
  auto token = cli::read_some(s.dir / "nodes/n1/operator.token", 0, 1024);
  while (!token.empty() && token.back() == '\n') token.pop_back();
  open.headers.add("Authorization", "Bearer " + token);
  open.headers.add("Content-Type", "application/json");
  const auto body = bj::serialize(bj::object{{"delegation", to_base64(byte_view(word.encode()))}});
  open.body = slice::copy_of(as_bytes(body));
  const auto opened = fetched(std::move(open));
  INFO(as_text(opened.response.body.view()));
  REQUIRE(opened.response.status == 201);

  const auto who = key.did().text();
  CHECK(s.kith({"inbox", who}).out == "Nothing waits.\n");
  const auto sent = s.ask({"send", who, "greet", "Grace"});
  s.ask({"send", who, "count", "--json-payload", "[5]"});
  s.until([&] { return s.ask({"inbox", who}).at("messages").as_array().size() == 2; });
  const auto mail = s.ask({"inbox", who});
  CHECK(mail.at("messages").at(0).at("id") == sent.at("id"));
  CHECK(mail.at("messages").at(0).at("text") == "Grace");
  CHECK(mail.at("messages").at(1).at("json") == bj::array{5});
  CHECK(mail.at("newest") == 2);
  CHECK(s.ask({"inbox", who, "--after", "1"}).at("messages").as_array().size() == 1);
  s.spawn("f");
  CHECK(s.ask({"inbox", "f"}, 1).at("error").at("code") == "not_outside");
  CHECK(s.ask({"inbox", "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"}, 4)
            .at("error")
            .at("code") == "unknown_mailbox");
}

TEST_CASE("a did:web that a node serves is resolved over HTTPS", "[kith][unit]") {
  const auto port = std::to_string(cli::free_ports(1).value().front());
  stage s("[edge]\nlisten = '127.0.0.1:" + port + "'\npublic_url = 'https://localhost:" + port +
          "'\n");
  const auto web = "did:web:localhost%3A" + port;
  const auto found =
      s.ask({"did", "resolve", web, "--allow-private", "--ca-file", s.dir / "nodes/n1/edge.pem"});
  CHECK(found.at("didDocument").at("id") == bj::string(web));
  const auto distrusted = s.ask({"did", "resolve", web, "--allow-private"}, 5);
  CHECK(std::string(distrusted.at("error").at("context").as_string()).find("certificate") !=
        std::string::npos);
  CHECK(s.kith({"doctor"}).out.find("https://localhost:" + port + " answers.") !=
        std::string::npos);
}
