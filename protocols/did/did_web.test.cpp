// did:web: names and places, both ways; and the documents that we serve.
#include "protocols/did/did_web.hpp"

#include "protocols/did/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::dids;
using namespace kith::dids::test;

namespace {

void check_refused(const std::string& specific) {
  INFO(specific);
  auto url = web_url(parsed("did:web:" + specific));
  REQUIRE_FALSE(url);
  CHECK(url.error().category == errc::malformed);
  CHECK(url.error().code == "bad_did");
}

} // namespace

TEST_CASE("a did:web and its URL are each other's, exactly", "[did][vector]") {
  // The first three are the method's own examples.
  for (auto [text, url] : std::vector<std::pair<std::string, std::string>>{
           {"did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"},
           {"did:web:w3c-ccg.github.io:user:alice",
            "https://w3c-ccg.github.io/user/alice/did.json"},
           {"did:web:example.com%3A3000:user:alice",
            "https://example.com:3000/user/alice/did.json"},
           {"did:web:localhost%3A8443", "https://localhost:8443/.well-known/did.json"},
           {"did:web:localhost%3A8443:agents:echo-1",
            "https://localhost:8443/agents/echo-1/did.json"},
           {"did:web:example.com%3A443", "https://example.com:443/.well-known/did.json"},
           {"did:web:xn--bcher-kva.example", "https://xn--bcher-kva.example/.well-known/did.json"},
           {"did:web:a.b-c.d1:.hidden:x..y:_", "https://a.b-c.d1/.hidden/x..y/_/did.json"},
           {"did:web:example.com:%40alice:%7Eb", "https://example.com/%40alice/%7Eb/did.json"},
           {"did:web:example.com:.well-known:x", "https://example.com/.well-known/x/did.json"}}) {
    INFO(text);
    CHECK(web_url(parsed(text)).value() == url);
    CHECK(web_did(url).value().text() == text);
  }
  // Spelt otherwise, it is still the same place.
  CHECK(web_url(parsed("did:web:Example.COM%3a3000")).value() ==
        "https://example.com:3000/.well-known/did.json");
}

TEST_CASE("a did:web of what is no host and port has no URL", "[did][unit]") {
  for (const char* specific : {"127.0.0.1",
                               "127.1",
                               "2130706433",
                               "0x7f000001",
                               "example.com.0x7f",
                               "10.0.0.1%3A80",
                               "%5B%3A%3A1%5D",
                               "example..com",
                               ".example.com",
                               "example.com.",
                               "-a.com",
                               "a-.com",
                               "exa_mple.com",
                               "user%40example.com",
                               "user%3Apw%40example.com",
                               "example.com%2Fetc",
                               "example.com%2f..",
                               "example.com%3A",
                               "example.com%3A0",
                               "example.com%3A080",
                               "example.com%3A65536",
                               "example.com%3A99999999999",
                               "example.com%3A80%3A81",
                               "example.com%3Aport",
                               "example.com%3A-1",
                               "%65xample.com",
                               "example.com%00",
                               "example.com%0d%0aX",
                               "example.com%23",
                               "example.com%3F",
                               ":example.com",
                               "%3A80",
                               "%3Aexample.com"})
    check_refused(specific);
  CHECK_FALSE(web_url(parsed("did:key:example.com")));
  CHECK_FALSE(web_url(did()));
  auto label = std::string(63, 'a');
  CHECK(web_url(parsed("did:web:" + label + ".example")));
  check_refused("a" + label + ".example");
  auto three = label + "." + label + "." + label + ".";
  CHECK(web_url(parsed("did:web:" + three + std::string(61, 'b'))));
  check_refused(three + std::string(62, 'b'));
}

TEST_CASE("a did:web with a trick in its path has no URL", "[did][unit]") {
  for (const char* path :
       {":alice", "..:x",  ".",     "...",   "a:..",  "%2e%2e", ".%2e",   "%2E",
        "a%2Fb",  "a%2fb", "a%5Cb", "%252F", "a%3Fb", "a%23b",  "a%3Ab",  "a%3Bb",
        "%41",    "a%20b", "%00",   "%0A",   "%7F",   "%C3%A9", "%C0%AF", ".well-known"})
    check_refused(std::string("example.com:") + path);
  std::string deep = "example.com";
  for (std::size_t i = 0; i < web_segments_max; ++i) deep += ":a";
  CHECK(web_url(parsed("did:web:" + deep)));
  check_refused(deep + ":a");
}

TEST_CASE("a URL that no did:web has is refused", "[did][unit]") {
  for (std::string_view url : {"",
                               "https://",
                               "https://example.com",
                               "https://example.com/",
                               "https://example.com/did.json",
                               "http://example.com/.well-known/did.json",
                               "HTTPS://example.com/.well-known/did.json",
                               "https:/example.com/.well-known/did.json",
                               "//example.com/.well-known/did.json",
                               "https://Example.com/.well-known/did.json",
                               "https://user@example.com/x/did.json",
                               "https://user:pw@example.com/x/did.json",
                               "https://example.com:/x/did.json",
                               "https://example.com:0/x/did.json",
                               "https://example.com:99999/x/did.json",
                               "https://127.0.0.1/x/did.json",
                               "https://[::1]/x/did.json",
                               "https://example.com/x/did.json?a=b",
                               "https://example.com/x?/did.json",
                               "https://example.com/x/did.json#a",
                               "https://example.com/x#/did.json",
                               "https://example.com//did.json",
                               "https://example.com/a//did.json",
                               "https://example.com/../did.json",
                               "https://example.com/a/./did.json",
                               "https://example.com/a%2Fb/did.json",
                               "https://example.com/~a/did.json",
                               "https://example.com/a:b/did.json",
                               "https://example.com/a b/did.json",
                               "https://example.com/\xc3\xa9/did.json",
                               "https://example.com/a\\b/did.json",
                               "https://example.com/x/DID.json",
                               "https://example.com/x/did.json/"}) {
    INFO(url);
    auto subject = web_did(url);
    REQUIRE_FALSE(subject);
    CHECK(subject.error().code == "bad_did_url");
  }
  CHECK_FALSE(web_did("https://example.com/" + std::string(did::size_max, 'a') + "/did.json"));
}

TEST_CASE("what any text gives as a URL gives the same DID again", "[did][property]") {
  seeded_random random(11);
  const std::string pieces[] = {"a", ".", ":",   "%3A", "%2F", "..", "com", "8",
                                "-", "_", "%40", "%41", "x1",  "80", ".b",  "%7e"};
  int urls = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = "did:web:h";
    byte_array<9> picks;
    random.fill(picks);
    for (std::size_t k = 0; k < 1 + picks[8] % 8u; ++k) text += pieces[picks[k] % 16];
    auto subject = did::parse(text);
    if (!subject) continue;
    auto url = web_url(*subject);
    if (!url) continue;
    ++urls;
    auto back = web_did(*url);
    REQUIRE(back);
    REQUIRE(web_url(*back).value() == *url);
    REQUIRE(url->find("/../") == std::string::npos);
    REQUIRE(url->find("//", 8) == std::string::npos);
  }
  CHECK(urls > 1000);
}

TEST_CASE("nodes and agents have DIDs under their host", "[did][unit]") {
  CHECK(web_node_did("Node.Example", 0).value().text() == "did:web:node.example");
  CHECK(web_node_did("localhost", 8443).value().text() == "did:web:localhost%3A8443");
  CHECK(web_agent_did("localhost", 8443, "echo").value().text() ==
        "did:web:localhost%3A8443:agents:echo");
  CHECK(web_url(web_agent_did("n.example", 0, "A_1.b-c").value()).value() ==
        "https://n.example/agents/A_1.b-c/did.json");
  for (std::string_view host : {"", "10.0.0.1", "a b", "a/b", "::1", "a:1"})
    CHECK(web_node_did(host, 1).error().code == "bad_host");
  for (std::string_view name : {"", ".", "..", "a/b", "a:b", "a%41", "\xc3\xa9", "a b"})
    CHECK(web_agent_did("n.example", 0, name).error().code == "bad_name");
  CHECK(web_agent_did("n.example", 0, std::string(64, 'a')));
  CHECK(web_agent_did("n.example", 0, std::string(65, 'a')).error().code == "bad_name");
  CHECK(web_agent_did("1.2.3.4", 0, "a").error().code == "bad_host");
}

TEST_CASE("a node's document has its key, its did:key and its doors", "[did][unit]") {
  auto subject = web_node_did("n.example", 0).value();
  auto key = public_of(key_number(1));
  auto doc = web_document(subject, {{key, 5, std::nullopt, false}},
                          {{"inbox", "KithMailbox", "https://n.example/api/messages"},
                           {"stream", "KithStream", "wss://n.example/api/stream"}},
                          {"https://n.example/"});
  auto text = doc.to_json().dump();
  auto id = "did:web:n.example#" + key.multibase();
  CHECK(doc.to_json()["@context"] ==
        json::array().push_back(context_did).push_back(context_multikey));
  CHECK(doc.to_json(false).find("@context") == nullptr);
  CHECK(document::parse(text).value().to_json().dump() == text);
  CHECK(doc.also_known_as ==
        std::vector<std::string>{"did:key:" + key.multibase(), "https://n.example/"});
  CHECK(doc.find(id)->key == key);
  CHECK_FALSE(doc.find(id)->expires);
  CHECK(doc.allows(relationship::authentication, id));
  CHECK(doc.allows(relationship::assertion_method, id));
  REQUIRE(doc.services.size() == 2);
  CHECK(doc.services[0].id == "did:web:n.example#inbox");
  CHECK(doc.to_json()["service"][1]["serviceEndpoint"].as_string() == "wss://n.example/api/stream");
}

TEST_CASE("keys that were stay in the document, and may do less", "[did][unit]") {
  auto subject = parsed("did:web:n.example");
  auto history = key_history::begin(subject, key_number(1), 1000);
  REQUIRE(history.rotate(key_number(1), public_of(key_number(2)), 2000));
  REQUIRE(history.rotate(key_number(2), public_of(key_number(3)), 3500, true));
  auto doc = web_document(subject, history.periods(), {});
  auto id = [&](std::uint8_t n) { return "#" + public_of(key_number(n)).multibase(); };
  REQUIRE(doc.methods.size() == 3);
  CHECK(doc.find(id(1))->expires == 2000);
  CHECK_FALSE(doc.find(id(1))->revoked);
  CHECK(doc.find(id(2))->revoked == 3500);
  CHECK_FALSE(doc.find(id(2))->expires);
  CHECK_FALSE(doc.find(id(3))->expires);
  for (auto r : {relationship::authentication, relationship::capability_invocation,
                 relationship::capability_delegation}) {
    CHECK(doc.of(r).size() == 1);
    CHECK(doc.allows(r, id(3)));
  }
  CHECK(doc.allows(relationship::assertion_method, id(1)));
  CHECK_FALSE(doc.allows(relationship::assertion_method, id(2)));
  CHECK(doc.allows(relationship::assertion_method, id(3)));
  CHECK(doc.also_known_as == std::vector<std::string>{key_number(3).did().text()});
  auto text = doc.to_json().dump();
  CHECK(text.find(R"("expires":"1970-01-01T00:00:02Z")") != std::string::npos);
  CHECK(text.find(R"("revoked":"1970-01-01T00:00:03.500Z")") != std::string::npos);
  CHECK(document::parse(text).value().to_json().dump() == text);
}
