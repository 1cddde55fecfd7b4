// Foreign documents, and times: what is read, what is refused, and at which limit.
#include "protocols/did/document.hpp"

#include "protocols/did/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::dids;
using namespace kith::dids::test;

namespace {

const std::string id = "did:web:example.com";

json method(const std::string& fragment, const public_key& key,
            std::string_view type = "Multikey") {
  auto m = json::object();
  m.set("id", fragment).set("type", type).set("controller", id);
  return std::move(m.set("publicKeyMultibase", key.multibase()));
}

json whole() {
  auto doc = json::object();
  doc.set("@context", json::array().push_back(context_did));
  doc.set("id", id).set("controller", "did:web:owner.example");
  doc.set("alsoKnownAs", json::array().push_back("https://example.com/"));
  doc.set("verificationMethod", json::array().push_back(method("#a", public_of(key_number(1)))));
  doc.set("authentication",
          json::array().push_back("#a").push_back(method(id + "#b", public_of(key_number(2)))));
  auto service = json::object();
  service.set("id", "#s").set("type", "Thing").set("serviceEndpoint", "https://example.com/s");
  doc.set("service", json::array().push_back(std::move(service)));
  return doc;
}

// The error's code for the document with one member replaced.
std::string refused(std::string_view name, json v) {
  auto doc = whole();
  doc.set(name, std::move(v));
  auto parsed = document::parse(doc.dump());
  return parsed ? "" : parsed.error().code;
}

std::string refused_method(std::string_view name, json v) {
  auto m = method("#a", public_of(key_number(1)));
  m.set(name, std::move(v));
  return refused("verificationMethod", json::array().push_back(std::move(m)));
}

json nested(std::size_t depth) {
  json v = 1;
  for (std::size_t i = 0; i < depth; ++i) v = json::array().push_back(std::move(v));
  return v;
}

} // namespace

TEST_CASE("a document is read with its ids made absolute", "[did][unit]") {
  auto doc = document::parse(whole().dump()).value();
  CHECK(doc.id == id);
  CHECK(doc.controllers == std::vector<std::string>{"did:web:owner.example"});
  CHECK(doc.also_known_as == std::vector<std::string>{"https://example.com/"});
  REQUIRE(doc.methods.size() == 1);
  CHECK(doc.methods[0].id == id + "#a");
  CHECK(doc.methods[0].key == public_of(key_number(1)));
  CHECK(doc.find("#b")->key == public_of(key_number(2)));
  CHECK(doc.find(id + "#c") == nullptr);
  CHECK(doc.allows(relationship::authentication, id + "#a"));
  CHECK(doc.allows(relationship::authentication, "#b"));
  CHECK_FALSE(doc.allows(relationship::assertion_method, "#a"));
  REQUIRE(doc.services.size() == 1);
  CHECK(doc.services[0].id == id + "#s");
  CHECK(document::from_json(doc.to_json()).value() == doc);
}

TEST_CASE("methods of older and newer types give the same key", "[did][unit]") {
  auto key = public_of(key_number(1));
  auto key_in = [&](json m) {
    auto doc = json::object();
    doc.set("id", id).set("verificationMethod", json::array().push_back(std::move(m)));
    return document::from_json(doc).value().methods.at(0).key;
  };
  auto bare = [&](std::string_view type) {
    auto m = json::object();
    m.set("id", "#a").set("type", type).set("controller", id);
    return m;
  };
  auto base58 = bare("Ed25519VerificationKey2018");
  // The key of did:key's vector with seed 0 of the test's own, in base58 without its multicodec.
  document written;
  written.id = id;
  written.methods.push_back({id + "#a", "Ed25519VerificationKey2018", id, key, {}, {}, {}});
  base58.set("publicKeyBase58",
             written.to_json()["verificationMethod"][0]["publicKeyBase58"].as_string());
  CHECK(key_in(base58) == key);
  CHECK(key_in(method("#a", key, "Ed25519VerificationKey2020")) == key);
  CHECK(key_in(method("#a", key)) == key);
  CHECK(key_in(bare("JsonWebKey2020").set("publicKeyJwk", key.jwk())) == key);
  CHECK(key_in(bare("JsonWebKey").set("publicKeyJwk", key.jwk())) == key);
  CHECK(key_in(method("#a", derive_key_agreement(key).value(), "X25519KeyAgreementKey2020")) ==
        derive_key_agreement(key));
  // What we do not know, we keep without a key.
  CHECK_FALSE(key_in(method("#a", key, "FutureKey2030")));
  CHECK_FALSE(key_in(bare("Multikey")));
  CHECK_FALSE(key_in(bare("RsaVerificationKey2018").set("publicKeyPem", "x")));
  auto rsa = json::object();
  rsa.set("kty", "RSA").set("n", "AQAB").set("e", "AQAB");
  CHECK_FALSE(key_in(bare("JsonWebKey2020").set("publicKeyJwk", rsa)));
}

TEST_CASE("a document that is not whole is refused", "[did][unit]") {
  CHECK(refused("id", id).empty());
  CHECK(refused("id", nullptr) == "bad_document");
  CHECK(refused("id", "example.com") == "bad_document");
  CHECK(refused("id", id + "#a") == "bad_document");
  CHECK(refused("id", "did:web:other.example") == "bad_document"); // then #b is another's
  CHECK(refused("controller", 1) == "bad_document");
  CHECK(refused("controller", json::array().push_back(1)) == "bad_document");
  CHECK(refused("alsoKnownAs", json::object()) == "bad_document");
  CHECK(refused("verificationMethod", json::object()) == "bad_document");
  CHECK(refused("verificationMethod", json::array().push_back("#a")) == "bad_document");
  CHECK(refused("authentication", "#a") == "bad_document");
  CHECK(refused("authentication", json::array().push_back(1)) == "bad_document");
  CHECK(refused("authentication", json::array().push_back("no id")) == "bad_document");
  CHECK(refused("authentication",
                json::array().push_back(method("#a", public_of(key_number(3))))) == "bad_document");
  CHECK(refused("service", json::array().push_back(json::object())) == "bad_document");
  for (std::string_view text :
       {"", "[]", "null", "\"did:a:b\"", "{", "{\"id\":\"did:a:b\"} {}",
        "{\"id\":\"did:a:b\",\"id\":\"did:a:b\"}", "{\"id\":\"did:a:\xff\"}"})
    CHECK_FALSE(document::parse(text));
  CHECK(document::parse(R"({"id":"did:a:b"})").value().id == "did:a:b");
}

TEST_CASE("a verification method that could deceive is refused", "[did][unit]") {
  auto other = public_of(key_number(2));
  CHECK(refused_method("type", "Multikey").empty());
  CHECK(refused_method("id", "did:web:victim.example#a") == "bad_document");
  CHECK(refused_method("id", id) == "bad_document");
  CHECK(refused_method("id", "#") == "bad_document");
  CHECK(refused_method("id", id + "0#a") == "bad_document");
  CHECK(refused_method("id", "#a b") == "bad_document");
  CHECK(refused_method("controller", "nobody") == "bad_document");
  CHECK(refused_method("controller", nullptr) == "bad_document");
  CHECK(refused_method("type", nullptr) == "bad_document");
  CHECK(refused_method("publicKeyJwk", other.jwk()) == "bad_document"); // two keys
  CHECK(refused_method("publicKeyMultibase", "z6Mk") == "bad_multicodec");
  CHECK(refused_method("publicKeyMultibase", 7) == "bad_document");
  CHECK(refused_method("type", "X25519KeyAgreementKey2020") == "bad_document");
  CHECK(refused_method("expires", "tomorrow") == "bad_datetime");
  CHECK(refused_method("revoked", 5) == "bad_document");
  auto twice = json::array();
  twice.push_back(method("#a", other)).push_back(method(id + "#a", public_of(key_number(3))));
  CHECK(refused("verificationMethod", twice) == "bad_document");
}

TEST_CASE("a document past a limit is refused", "[did][unit]") {
  auto many = [](std::size_t count, auto make) {
    auto list = json::array();
    for (std::size_t i = 0; i < count; ++i) list.push_back(make(std::to_string(i)));
    return list;
  };
  constexpr auto max = document::entries_max;
  auto text = [](const std::string& n) { return json("https://example.com/" + n); };
  CHECK(refused("alsoKnownAs", many(max, text)).empty());
  CHECK(refused("alsoKnownAs", many(max + 1, text)) == "document_too_large");
  CHECK(refused("@context", many(max + 1, text)) == "document_too_large");
  auto ref = [](const std::string& n) { return json("#" + n); };
  CHECK(refused("assertionMethod", many(max, ref)).empty());
  CHECK(refused("assertionMethod", many(max + 1, ref)) == "document_too_large");
  auto bare = [](const std::string& n) {
    auto m = json::object();
    m.set("id", "#m" + n).set("type", "Unknown").set("controller", id);
    return m;
  };
  CHECK(refused("verificationMethod", many(max, bare)).empty());
  CHECK(refused("verificationMethod", many(max + 1, bare)) == "document_too_large");
  auto service = [](const std::string& n) {
    auto s = json::object();
    s.set("id", "#s" + n).set("type", "T").set("serviceEndpoint", "https://example.com/");
    return s;
  };
  CHECK(refused("service", many(max, service)).empty());
  CHECK(refused("service", many(max + 1, service)) == "document_too_large");
  auto endpoints = service("x");
  endpoints.set("serviceEndpoint", many(max + 1, text));
  CHECK(refused("service", json::array().push_back(endpoints)) == "document_too_large");
  CHECK(refused("alsoKnownAs", std::string(document::text_size_max, 'a')).empty());
  CHECK(refused("alsoKnownAs", std::string(document::text_size_max + 1, 'a')) ==
        "document_too_large");
  // An id counts with what makes it absolute.
  auto long_ref = [](std::size_t size) {
    return json::array().push_back("#" + std::string(size - id.size() - 1, 'a'));
  };
  CHECK(refused("assertionMethod", long_ref(document::text_size_max)).empty());
  CHECK(refused("assertionMethod", long_ref(document::text_size_max + 1)) == "document_too_large");
  auto long_service = service("x");
  long_service.set("id", "#" + std::string(document::text_size_max - 1, 'a'));
  CHECK(refused("service", json::array().push_back(long_service)) == "document_too_large");
  CHECK(refused("further", std::string(document::size_max, 'a')) == "document_too_large");
  CHECK(refused("further", nested(document::depth_max - 1)).empty());
  CHECK(refused("further", nested(document::depth_max)) == "document_too_large");
  CHECK(refused("further", nested(31)) == "document_too_large");
}

TEST_CASE("a document cut at any byte is refused", "[did][property]") {
  auto text = whole().dump();
  for (std::size_t size = 0; size < text.size(); ++size)
    REQUIRE_FALSE(document::parse(std::string_view(text).substr(0, size)));
  CHECK(document::parse(text));
}

TEST_CASE("times come back as they were", "[did][property]") {
  seeded_random random(9);
  for (int i = 0; i < 2000; ++i) {
    byte_array<8> b;
    random.fill(b);
    auto t = wall_ms(get_u64(b.data()) % 253'402'300'800'000ULL) - (i % 2 ? 60'000'000'000'000 : 0);
    REQUIRE(parse_datetime(format_datetime(t)).value() == t);
  }
  CHECK(format_datetime(0) == "1970-01-01T00:00:00Z");
  CHECK(format_datetime(1'737'906'600'000) == "2025-01-26T15:50:00Z");
  CHECK(format_datetime(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(format_datetime(951'827'696'007) == "2000-02-29T12:34:56.007Z");
  CHECK(format_datetime(INT64_MAX) == "9999-12-31T23:59:59.999Z");
  CHECK(format_datetime(INT64_MIN) == "0000-01-01T00:00:00Z");
}

TEST_CASE("times of any zone are read, and nothing that is none", "[did][unit]") {
  CHECK(parse_datetime("2025-01-26T15:50:00Z").value() == 1'737'906'600'000);
  CHECK(parse_datetime("2025-01-26T17:50:00+02:00").value() == 1'737'906'600'000);
  CHECK(parse_datetime("2025-01-26T02:20:00-13:30").value() == 1'737'906'600'000);
  CHECK(parse_datetime("1970-01-01T00:00:00.5Z").value() == 500);
  CHECK(parse_datetime("1970-01-01T00:00:00.1239999Z").value() == 123);
  std::string_view right = "2025-01-26T15:50:00.125+01:00";
  REQUIRE(parse_datetime(right));
  for (std::size_t size = 0; size < right.size(); ++size)
    REQUIRE_FALSE(parse_datetime(right.substr(0, size)));
  for (std::string_view text :
       {"2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z",
        "2025-01-32T00:00:00Z", "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z",
        "2025-01-01T00:00:60Z", "2025-01-01 00:00:00Z", "2025-01-01T00:00:00",
        "2025-01-01T00:00:00z", "2025-01-01T00:00:00.Z", "2025-01-01T00:00:00+15:00",
        "2025-01-01T00:00:00+14:01", "2025-01-01T00:00:00+00:60", "+025-01-01T00:00:00Z",
        "2025-01-01T00:00:00Z ", "12025-01-01T00:00:00Z",
        "2025-01-01T00:00:00.00000000000000000000000Z"}) {
    INFO(text);
    CHECK(parse_datetime(text).error().code == "bad_datetime");
  }
}
