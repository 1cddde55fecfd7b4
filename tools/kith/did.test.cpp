// Identities in files, and documents.
#include "protocols/did/did_key.hpp"
#include "runtime/base/base64.hpp"
#include "tools/kith/did_text.hpp"
#include "tools/kith/identity_files.hpp"
#include "tools/kith/test_cluster.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <sys/stat.h>

using namespace kith;
using namespace kith::cli;
using test::cluster;
using test::temporary_directory;
namespace bj = boost::json;

namespace {

constexpr const char* web = "did:web:example.com:ada";
// The example of did:key 0.7, section 3.1.1... any Ed25519 did:key does.
constexpr const char* someone = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";
// secp256k1's generator, as did:nostr has it.
constexpr const char* nostr =
    "did:nostr:79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

secret_key identity_in(const std::string& file) {
  return read_identity(console{std::cin, std::cout, std::cerr}, file).value().key;
}

std::string text_of(const bj::value& v) { return std::string(v.as_string()); }

int mode_of(const std::string& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777;
}

} // namespace

TEST_CASE("a new identity is a file for its owner only, and is never overwritten", "[kith][unit]") {
  temporary_directory dir;
  const test::command_line kith(dir / "none");
  const auto file = dir / "ada.key";
  const auto made = kith({"did", "new", "--out", file});
  REQUIRE(made.code == 0);
  CHECK(made.out.starts_with("did:key:z6Mk"));
  CHECK(mode_of(file) == 0600);
  CHECK(made.out == identity_in(file).did().text() + "\n");
  const auto again = kith({"did", "new", "--out", file, "--json"});
  CHECK(again.code == 1);
  CHECK(again.document().at("error").at("code") == "secret_file_exists");
  CHECK(made.out == identity_in(file).did().text() + "\n");
  CHECK(kith({"did", "new", "--out", dir / "x.key", "--web", web}).code == 2);
  CHECK(kith({"did", "new", "--out", dir / "x.key", "--history", dir / "h"}).code == 2);
}

TEST_CASE("a DID, a key file and a node are shown with document and keys", "[kith][unit]") {
  cluster c(1);
  const auto shown = c.kith({"did", "show", someone, "--json"});
  REQUIRE(shown.code == 0);
  CHECK(shown.document().at("did") == someone);
  CHECK(shown.document().at("document").at("id") == someone);
  CHECK(shown.document().at("keys").at(0).at("type") == "Ed25519");
  CHECK(shown.document().at("keys").at(0).at("for").as_array().size() == 4);
  CHECK(c.kith({"did", "show", nostr, "--json"}).document().at("did") == nostr);
  REQUIRE(c.kith({"did", "new", "--out", c.path("a.key")}).code == 0);
  const auto id = identity_in(c.path("a.key")).did().text();
  CHECK(c.kith({"did", "show", c.path("a.key")}).out.starts_with(id + "\n"));
  CHECK(c.kith({"did", "show"}).code == 4); // the node has no key yet
  c.serve("n1", {{"status", test::ok(std::string(R"({"name":"n1","node":")") + someone + "\"}")}});
  CHECK(c.kith({"did", "show", "--json"}).document().at("did") == someone);
  CHECK(c.kith({"did", "show", c.path("none.key")}).code == 4);
  CHECK(c.kith({"did", "show", web}).err.find("`kith did resolve` fetches it") !=
        std::string::npos);
  CHECK(c.kith({"did", "show", "did:key:z6Mkbad"}).code == 2);
  CHECK(c.kith({"did", "show", "did:example:x"}).code == 1);
  std::ofstream(c.path("wrong.key")) << "no key";
  ::chmod(c.path("wrong.key").c_str(), 0600);
  CHECK(c.kith({"did", "show", c.path("wrong.key")}).err.find("is no key file") !=
        std::string::npos);
}

TEST_CASE("did resolve answers as the universal resolver does, and says why it cannot",
          "[kith][unit]") {
  temporary_directory dir;
  const test::command_line kith(dir / "none");
  const auto here = kith({"did", "resolve", someone, "--json"});
  REQUIRE(here.code == 0);
  CHECK(here.document().at("didDocument").at("id") == someone);
  CHECK(here.document().as_object().contains("didResolutionMetadata"));
  CHECK(kith({"did", "resolve", nostr}).out.starts_with(std::string(nostr) + "\n"));
  CHECK(kith({"did", "resolve", "nonsense", "--json"}).document().at("error").at("exit_code") == 2);
  CHECK(kith({"did", "resolve", "did:example:x"}).code == 1);
  CHECK(kith({"did", "resolve", "did:web:127.0.0.1"}).code == 2);
  // Nobody listens on port 1; and without the flag it is not even tried.
  const auto refused = kith({"did", "resolve", "did:web:localhost%3A1", "--json"});
  CHECK(refused.code == 5);
  const auto tried = kith({"did", "resolve", "did:web:localhost%3A1", "--allow-private"});
  CHECK(tried.code == 3);
  CHECK(tried.err.find("https://localhost:1/.well-known/did.json") != std::string::npos);
  CHECK(tried.err != refused.err);
}

TEST_CASE("a did:web gets its next key by the one before, and its history says which was when",
          "[kith][unit]") {
  temporary_directory dir;
  const test::command_line kith(dir / "none");
  const auto key = dir / "ada.key", history = dir / "ada.history";
  const auto made =
      kith({"did", "new", "--out", key, "--web", web, "--history", history, "--json"});
  REQUIRE(made.code == 0);
  CHECK(made.document().at("did") == web);
  CHECK(made.document().at("url") == "https://example.com/ada/did.json");
  CHECK(kith({"did", "new", "--out", dir / "b.key", "--web", web, "--history", history}).code == 1);
  CHECK_FALSE(std::filesystem::exists(dir / "b.key"));

  const std::vector<std::string> rotate{"did",   "rotate", "--did", web,     "--history",
                                        history, "--key",  key,     "--json"};
  const auto turned = kith(rotate);
  REQUIRE(turned.code == 0);
  CHECK(turned.document().at("index") == 1);
  CHECK(mode_of(key + ".1") == 0600);
  const auto next = identity_in(key + ".1");
  CHECK(turned.document().at("key_did") == bj::string(next.did().text()));
  CHECK(read_history(history).value().current().ed25519() == next.public_key());
  CHECK(kith(rotate).document().at("error").at("code") == "rotation_key"); // no longer current

  // A key that was made before, and a loss.
  REQUIRE(kith({"did", "new", "--out", dir / "third.key"}).code == 0);
  const auto lost = kith({"did", "rotate", "--did", web, "--history", history, "--key", key + ".1",
                          "--new", dir / "third.key", "--revoke"});
  REQUIRE(lost.code == 0);
  const auto shown = kith({"did", "show", "--history", history, "--json"}).document();
  const auto periods = shown.at("periods").as_array();
  REQUIRE(periods.size() == 3);
  CHECK(text_of(periods[0].at("state")) == "past");
  CHECK(text_of(periods[1].at("state")) == "revoked");
  CHECK(text_of(periods[2].at("state")) == "current");
  CHECK(periods[1].at("from_ms") == periods[0].at("until_ms"));
  CHECK(lost.out == text_of(periods[2].at("key")) + "\n");
  CHECK(shown.at("document").at("id") == web);
  CHECK(kith({"did", "show", "--history", history}).out.find("revoked") != std::string::npos);
}

TEST_CASE("a rotation with the wrong things changes nothing", "[kith][unit]") {
  temporary_directory dir;
  const test::command_line kith(dir / "none");
  const auto key = dir / "a.key", history = dir / "a.history", other = dir / "o.key";
  REQUIRE(kith({"did", "new", "--out", key, "--web", web, "--history", history}).code == 0);
  REQUIRE(kith({"did", "new", "--out", other}).code == 0);
  const auto before = read_history(history).value();
  const auto rotate = [&](const std::string& did, const std::string& file, const std::string& by,
                          const std::string& next) {
    return kith({"did", "rotate", "--did", did, "--history", file, "--key", by, "--new", next})
        .code;
  };
  CHECK(rotate("did:web:example.com", history, key, dir / "n.key") == 1);
  CHECK(rotate(someone, history, key, dir / "n.key") != 0);
  CHECK(rotate(web, history, other, dir / "n.key") == 2);
  CHECK(rotate(web, history, dir / "none.key", dir / "n.key") == 4);
  CHECK(rotate(web, dir / "none", key, dir / "n.key") == 4);
  CHECK(rotate(web, key, key, dir / "n.key") == 1); // a key file is no history
  CHECK_FALSE(std::filesystem::exists(dir / "n.key"));
  CHECK(rotate(web, history, key, key) != 0); // the same key again
  CHECK(read_history(history).value() == before);
  std::ofstream(history, std::ios::app) << "x";
  CHECK(kith({"did", "show", "--history", history}).err.find("is no key history") !=
        std::string::npos);
}

TEST_CASE("a history that begins with a key that is there already leaves that as it is",
          "[kith][unit]") {
  temporary_directory dir;
  const test::command_line kith(dir / "none");
  const auto key = dir / "node.key", history = dir / "node.history";
  REQUIRE(kith({"did", "new", "--out", key}).code == 0);
  const auto before = identity_in(key).did();
  const auto made =
      kith({"did", "new", "--key", key, "--web", web, "--history", history, "--json"});
  REQUIRE(made.code == 0);
  CHECK(made.document().at("key_did") == bj::string(before.text()));
  CHECK(identity_in(key).did() == before);
  CHECK(read_history(history).value().current().ed25519() == before.ed25519());
  CHECK(kith({"did", "new", "--key", key, "--web", web, "--history", history}).code == 1);
  CHECK(kith({"did", "new", "--key", key}).code == 2);
  CHECK(
      kith({"did", "new", "--key", key, "--out", key, "--web", web, "--history", dir / "b"}).code ==
      2);
  CHECK(
      kith({"did", "new", "--key", dir / "none.key", "--web", web, "--history", dir / "b"}).code ==
      4);
  CHECK_FALSE(std::filesystem::exists(dir / "b"));
}

TEST_CASE("a node is given a history that was checked here, and told to forget one",
          "[kith][unit]") {
  cluster c(1);
  const auto history = c.path("ada.history");
  REQUIRE(
      c.kith({"did", "new", "--out", c.path("ada.key"), "--web", web, "--history", history}).code ==
      0);
  c.serve("n1", {{"did_publish", test::ok(R"({"did":"x","url":"https://here","keys":1})")},
                 {"did_withdraw", test::ok(R"({"did":"did:web:x"})")}});
  CHECK(c.kith({"did", "publish", "--history", history}).out == "https://here\n");
  const auto sent = from_base64(text_of(c.last_args("n1").at("history"))).value();
  CHECK(dids::key_history::decode(as_bytes(sent)).value() == read_history(history).value());
  CHECK(c.kith({"did", "withdraw", "did:web:x"}).out == "did:web:x\n");
  CHECK(text_of(c.last_args("n1").at("did")) == "did:web:x");
  c.serve("n1", {{"did_publish", test::failed("conflict", "node_key")}});
  CHECK(c.kith({"did", "publish", "--history", history, "--json"})
            .document()
            .at("error")
            .at("code") == "node_key");
  const auto asked = c.requests("n1");
  std::ofstream(history, std::ios::app) << "x";
  CHECK(c.kith({"did", "publish", "--history", history}).code == 1);
  CHECK(c.kith({"did", "publish", "--history", c.path("none")}).code == 4);
  CHECK(c.requests("n1") == asked);
}
