// did:key against the method's vectors and against another implementation's documents.
#include "protocols/did/did_key.hpp"

#include "protocols/did/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::dids;
using namespace kith::dids::test;

TEST_CASE("documents equal those of did-method-key 5.3.0", "[did][vector]") {
  auto all = vectors("digitalbazaar-5.3.0.json");
  for (bool derive : {false, true}) {
    const auto& made = all[derive ? "fromKeyPair" : "get"];
    for (std::size_t i = 0; i < made.size(); ++i) {
      INFO(made.name_at(i));
      auto key = key_of(parsed(made.name_at(i))).value();
      CHECK(key_document(key, derive).to_json().dump() == made.at(i).dump());
      CHECK(key_did(key).text() == made.name_at(i));
    }
    CHECK(made.size() == (derive ? 9 : 16));
  }
}

TEST_CASE("the documents of the method's vectors have the keys that we resolve", "[did][vector]") {
  int checked = 0;
  auto check = [&](const std::string& text, const json& value) {
    INFO(text);
    auto key = key_of(parsed(text));
    if (!key) return;
    auto theirs = document::from_json(value).value();
    CHECK(theirs.id == text);
    for (const auto& m : theirs.methods) {
      if (m.type == "P256Key2021") continue; // neither of DID Core nor of the method
      REQUIRE(m.key);
      if (m.key->type() == key->type()) CHECK(*m.key == *key);
      if (m.key->type() != key->type()) CHECK(*m.key == derive_key_agreement(*key));
      CHECK(m.id == text + "#" + m.key->multibase());
      ++checked;
    }
  };
  for (const auto* file : {"ed25519-x25519.json", "secp256k1.json", "nist-curves.json"}) {
    auto all = vectors(file);
    for (std::size_t i = 0; i < all.size(); ++i) check(all.name_at(i), all.at(i)["didDocument"]);
  }
  auto x25519 = vectors("x25519.json")["didDocument"];
  for (std::size_t i = 0; i < x25519.size(); ++i) check(x25519.name_at(i), x25519.at(i));
  CHECK(checked == 5 * 2 + 6 + 2 + 4);
}

TEST_CASE("a key of secp256k1 signs under all relationships but key agreement", "[did][unit]") {
  auto text = std::string("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme");
  auto doc = key_document(key_of(parsed(text)).value(), true);
  CHECK(doc.id == text);
  CHECK(doc.methods.size() == 1);
  auto id = text + text.substr(7);
  id[text.size()] = '#';
  CHECK(doc.methods[0].id == id);
  for (std::size_t r = 0; r < relationship_count; ++r)
    CHECK(doc.allows(relationship(r), id) == (relationship(r) != relationship::key_agreement));
  CHECK(doc.allows(relationship::authentication, id.substr(text.size())));
}

TEST_CASE("a did:key that names no key in its one form is refused", "[did][unit]") {
  auto code = [](const std::string& specific) {
    auto key = key_of(parsed("did:key:" + specific));
    return key ? "" : key.error().code;
  };
  auto right = public_of(key_number(1)).multibase();
  REQUIRE(code(right).empty());
  CHECK(code("1:" + right) == "bad_did"); // the version that the method allows; nobody writes it
  CHECK(code(right.substr(1)) == "bad_did");
  CHECK(code("f" + to_hex(public_of(key_number(1)).multicodec())) == "bad_did");
  CHECK(code("z") == "bad_multicodec");
  CHECK(code(right + "1") == "bad_multicodec");
  CHECK(code("z6Mk") == "bad_multicodec");
  CHECK(code(right.substr(0, 20) + "%41" + right.substr(20)) == "bad_multibase");
  CHECK(code("z" + std::string(400, '2')) == "bad_multibase");
  CHECK(key_of(parsed("did:web:example.com")).error().code == "bad_did");
  CHECK(key_of(did()).error().code == "bad_did");
}
