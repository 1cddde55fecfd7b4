// Key histories that the node serves: what it takes, and what a verifier makes of the document.
#include "actors/edge/histories.hpp"
#include "actors/edge/test_support.hpp"
#include "protocols/did/did_web.hpp"

using namespace kith;
using namespace kith::edge;
using namespace kith::edge::testing;

namespace {

constexpr wall_ms day = 24LL * 3600 * 1000;
constexpr const char* node_did = "did:web:kith.example";

dids::public_key public_of(const secret_key& key) {
  return dids::public_key::from_raw(dids::key_type::ed25519, key.public_key()).value();
}

dids::key_history history_of(const std::string& subject, const secret_key& first, wall_ms from) {
  return dids::key_history::begin(did::parse(subject).value(), first, from);
}

// What somebody who has nothing but the document makes of a signature that says when it was made.
bool verifies(const dids::document& d, wall_ms made, byte_view message,
              const byte_array<64>& signature) {
  for (const auto& m : d.methods) {
    if (!d.allows(dids::relationship::assertion_method, m.id)) continue;
    if ((m.expires && made >= *m.expires) || (m.revoked && made >= *m.revoked)) continue;
    if (verify_signature(*m.key->ed25519(), message, signature)) return true;
  }
  return false;
}

struct served : world {
  web_place place() { return {"https://kith.example/", node.did(), directory}; }
  result<bool> admits(const dids::key_history& h) {
    return histories.admits(place(), h, clock.wall());
  }
  std::string refusal(const dids::key_history& h) {
    auto r = admits(h);
    return r ? (*r ? "new" : "known") : r.error().code;
  }
  dids::document document(const std::string& path) {
    auto a = ask({"GET", path});
    INFO(a.body);
    REQUIRE(a.status == 200);
    return dids::document::parse(a.body).value();
  }
};

} // namespace

TEST_CASE("a rotated key stands in the document with the time until which it was good",
          "[edge][unit]") {
  served w;
  const auto now = w.clock.wall(), turned = now - day;
  auto history = history_of(node_did, w.bob, now - 9 * day);
  REQUIRE(history.rotate(w.bob, public_of(w.node), turned));
  REQUIRE(w.refusal(history) == "new");
  w.histories.put(history);
  CHECK(w.refusal(history) == "known");

  const auto d = w.document("/.well-known/did.json");
  CHECK(d.id == node_did);
  REQUIRE(d.methods.size() == 2);
  CHECK(d.also_known_as == strings{w.node.did().text()});
  CHECK(d.services.size() == 2);
  const auto text = as_bytes("what was said");
  const auto old = w.bob.sign(text), current = w.node.sign(text), strange = w.eve.sign(text);
  CHECK(verifies(d, turned - 1, text, old));
  CHECK_FALSE(verifies(d, turned, text, old));
  CHECK(verifies(d, now, text, current));
  CHECK_FALSE(verifies(d, turned - 1, text, strange));
  CHECK_FALSE(d.allows(dids::relationship::authentication, d.methods[0].id));
  CHECK(d.allows(dids::relationship::authentication, d.methods[1].id));
  // Who has the history itself knows more: a key is not good before its time either.
  CHECK(history.verify_at(turned - 1, text, old));
  CHECK_FALSE(history.verify_at(turned, text, old));
  CHECK_FALSE(history.verify_at(turned - 1, text, current));
  // The same by the resolver.
  auto resolved = w.ask({"GET", std::string("/api/did/") + node_did});
  CHECK(dids::document::parse(resolved.body).value() == d);
}

TEST_CASE("a key that was revoked verifies nothing", "[edge][unit]") {
  served w;
  const auto now = w.clock.wall(), turned = now - day;
  auto history = history_of("did:web:kith.example:agents:carol", w.bob, now - 9 * day);
  REQUIRE(history.rotate(w.bob, public_of(w.eve), turned, true));
  REQUIRE(w.refusal(history) == "new");
  w.histories.put(history);
  const auto d = w.document("/agents/carol/did.json");
  const auto text = as_bytes("what was said");
  CHECK_FALSE(verifies(d, turned - 1, text, w.bob.sign(text)));
  CHECK(verifies(d, now, text, w.eve.sign(text)));
}

TEST_CASE("a history that this node is not to serve is refused, and why", "[edge][unit]") {
  served w;
  const auto then = w.clock.wall() - day;
  CHECK(w.refusal(history_of(node_did, w.bob, then)) == "node_key");
  CHECK(w.admits(history_of(node_did, w.bob, then)).error().context ==
        "the last record leads to " + w.bob.did().text() + ", and the key of this node is " +
            w.node.did().text());
  CHECK(w.refusal(history_of(node_did, w.node, then)) == "new");
  CHECK(w.refusal(history_of("did:web:kith.example:agents:ada", w.bob, then)) == "agent_key");
  CHECK(w.refusal(history_of("did:web:kith.example:agents:ada", w.agent, then)) == "new");
  for (const auto* other :
       {"did:web:other.example", "did:web:kith.example%3A8443", "did:web:kith.example:users:x",
        "did:web:kith.example:agents", "did:web:kith.example:agents:a:b",
        "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"})
    CHECK(w.refusal(history_of(other, w.bob, then)) == "not_served");
  CHECK(w.refusal(history_of(node_did, w.node, w.clock.wall() + 1)) == "not_yet");
  const auto name = history_of("did:web:kith.example:agents:x", w.bob, then);
  CHECK(w.histories.admits({"", w.node.did(), w.directory}, name, w.clock.wall()).error().code ==
        "no_web_name");
  CHECK(w.histories
            .admits({"https://127.0.0.1:8443", w.node.did(), w.directory}, name, w.clock.wall())
            .error()
            .code == "no_web_name");
}

TEST_CASE("a history only grows", "[edge][unit]") {
  served w;
  const auto then = w.clock.wall() - day;
  const auto first = history_of("did:web:kith.example:agents:carol", w.bob, then);
  auto longer = first, fork = first;
  REQUIRE(longer.rotate(w.bob, public_of(w.eve), then + 1));
  REQUIRE(fork.rotate(w.bob, public_of(w.node), then + 1));
  w.histories.put(first);
  CHECK(w.refusal(longer) == "new");
  w.histories.put(longer);
  CHECK(w.refusal(first) == "known");
  CHECK(w.refusal(fork) == "rotation_fork");
  CHECK(w.refusal(history_of("did:web:kith.example:agents:carol", w.eve, then)) == "rotation_fork");
  for (std::size_t i = 1; i < history_book::count_max; ++i)
    w.histories.put(history_of("did:web:kith.example:agents:a" + std::to_string(i), w.bob, then));
  CHECK(w.refusal(history_of("did:web:kith.example:agents:b", w.bob, then)) ==
        "too_many_histories");
  CHECK(w.refusal(longer) == "known");
  w.histories.erase(longer.subject());
  CHECK(w.refusal(longer) == "new");
}

TEST_CASE("an agent that takes a published name later does not change its document",
          "[edge][unit]") {
  served w;
  const auto subject = std::string("did:web:kith.example:agents:carol");
  CHECK(w.ask({"GET", "/agents/carol/did.json"}).status == 404);
  w.histories.put(history_of(subject, w.bob, w.clock.wall() - day));
  const auto before = w.document("/agents/carol/did.json");
  CHECK(before.services.size() == 1); // no mailbox is behind this name
  w.spawn_agent(w.eve, "carol", "edge_recorder");
  w.run();
  CHECK(w.document("/agents/carol/did.json") == before);
  w.histories.erase(did::parse(subject).value());
  CHECK(w.document("/agents/carol/did.json").also_known_as == strings{w.eve.did().text()});
}

TEST_CASE("histories come back from the store, and damaged ones are noticed", "[edge][unit]") {
  served w;
  auto put = [&](const did& subject, const bytes& value) {
    store::write_batch batch;
    batch.put(store::table::state, keys::history(keys::of(subject)), value);
    REQUIRE(w.journal->submit(std::move(batch), [](const auto&) {}));
    while (w.journal->pump()) {
    }
  };
  std::vector<dids::key_history> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(history_of("did:web:kith.example:agents:a" + std::to_string(i), w.bob, 5));
    put(all.back().subject(), all.back().encode());
  }
  history_book book;
  REQUIRE(book.load(*w.disk));
  for (const auto& h : all) CHECK(*book.find(h.subject()) == h);
  CHECK(book.find(w.bob.did()) == nullptr);
  auto damaged = all[0].encode();
  damaged.back() ^= 1;
  put(all[0].subject(), damaged);
  const auto loaded = history_book().load(*w.disk);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().category == errc::corrupt);
}
