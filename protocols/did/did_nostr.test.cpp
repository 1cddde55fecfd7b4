// did:nostr against the vectors of its version 0.0.12.
#include "protocols/did/did_nostr.hpp"

#include "protocols/did/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::dids;
using namespace kith::dids::test;

namespace {

const std::string example = "124c0fa99407182ece5a24fad9b7f6674902fc422843d3128d38a0afbee0fdd2";

// What the vectors' error names are here.
std::string ours(const std::string& theirs) {
  static const std::vector<std::pair<std::string, std::string>> names = {
      {"InvalidHexLength", "bad_hex_length"},  {"InvalidHexCharacter", "bad_hex"},
      {"InvalidPublicKey", "bad_public_key"},  {"OddParityNotCanonical", "odd_parity"},
      {"InvalidMulticodec", "bad_multicodec"}, {"InvalidMultibase", "bad_multibase"},
      {"InvalidKeyLength", "bad_key_length"}};
  for (const auto& [name, code] : names)
    if (name == theirs) return code;
  return "?";
}

// The error of reading a hexadecimal key, or else of checking it.
std::string key_error(const std::string& hex) {
  auto key = parse_nostr_key(hex);
  if (!key) return key.error().code;
  auto checked = check_nostr_key(*key);
  return checked ? "" : checked.error().code;
}

std::string multikey_error(const std::string& text) {
  auto key = parse_nostr_multikey(text, parity::even);
  return key ? "" : key.error().code;
}

// The details that a vector's document shows.
nostr_details details_in(const json& doc) {
  nostr_details d;
  for (std::size_t i = 0; i < doc["service"].size(); ++i)
    d.relays.push_back(doc["service"][i]["serviceEndpoint"].as_string());
  for (std::size_t i = 0; i < doc["alsoKnownAs"].size(); ++i)
    d.also_known_as.push_back(doc["alsoKnownAs"][i].as_string());
  for (std::size_t i = 0; i < doc["follows"].size(); ++i)
    d.follows.push_back(nostr_key_of(parsed(doc["follows"][i].as_string())).value());
  d.profile = doc["profile"];
  if (doc["modified"].is_string()) d.modified = parse_datetime(doc["modified"].as_string()).value();
  return d;
}

} // namespace

TEST_CASE("did:nostr's vectors of keys hold both ways", "[did][vector]") {
  auto all = vectors("did-nostr.json")["vectors"];
  const auto& there = all["key_transformation"];
  for (std::size_t i = 0; i < there.size(); ++i) {
    INFO(there[i]["name"].as_string());
    auto key = parse_nostr_key(there[i]["input"].as_string()).value();
    CHECK(nostr_multikey(key) == there[i]["output"].as_string());
    CHECK(parse_nostr_multikey(there[i]["output"].as_string()).value() == key);
  }
  CHECK(there.size() == 5);
  const auto& back = all["key_decoding"];
  for (std::size_t i = 0; i < back.size(); ++i) {
    auto key = parse_nostr_multikey(back[i]["input"].as_string()).value();
    CHECK(to_hex(key) == back[i]["output"].as_string());
  }
  CHECK(back.size() == 2);
}

TEST_CASE("did:nostr's vectors of errors are refused by their names", "[did][vector]") {
  auto cases = vectors("did-nostr.json")["vectors"]["error_cases"];
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO(cases[i]["name"].as_string());
    auto input = cases[i]["input"].as_string(), theirs = cases[i]["error"].as_string();
    bool about_hex = theirs.starts_with("InvalidHex") || theirs == "InvalidPublicKey";
    CHECK((about_hex ? key_error(input) : multikey_error(input)) == ours(theirs));
  }
  CHECK(cases.size() == 11);
}

TEST_CASE("did:nostr's vectors of documents are what we write", "[did][vector]") {
  auto cases = vectors("did-nostr.json")["vectors"]["did_document_generation"];
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO(cases[i]["name"].as_string());
    const auto& expected = cases[i]["output"];
    auto key = nostr_key_of(parsed(cases[i]["input"].as_string())).value();
    auto doc = nostr_document(key, details_in(expected));
    CHECK(doc.to_json().dump() == expected.dump());
    // And what another resolver's document says, we read.
    auto read = document::from_json(expected).value();
    REQUIRE(read.find("#key1"));
    CHECK(equal(read.find("#key1")->key.value().raw().subspan(1), key));
    CHECK(read.allows(relationship::authentication, read.id + "#key1"));
  }
  CHECK(cases.size() == 3);
}

TEST_CASE("a did:nostr that is no key of 64 small digits is refused", "[did][unit]") {
  auto code = [](const std::string& specific) {
    auto key = nostr_key_of(parsed("did:nostr:" + specific));
    return key ? "" : key.error().code;
  };
  CHECK(code(example).empty());
  CHECK(nostr_did(nostr_key_of(parsed("did:nostr:" + example)).value()).text() ==
        "did:nostr:" + example);
  auto capital = example;
  capital[3] = 'C';
  CHECK(code(capital) == "bad_did");
  for (std::size_t size = 1; size < example.size(); ++size)
    REQUIRE(code(example.substr(0, size)) == "bad_did");
  CHECK(code(example + "00") == "bad_did");
  CHECK(code(example + ":00") == "bad_did");
  CHECK(code("npub1cpxejnc58zpcuyh0pt8gvkzpv34qxceu0sqp7jec2nk9nut7p5zs4zyx4c") == "bad_did");
  CHECK(code(std::string(64, '0')) == "bad_public_key");
  CHECK(code(std::string(64, 'f')) == "bad_public_key");
  CHECK(nostr_key_of(parsed("did:key:" + example)).error().code == "bad_did");
  CHECK(nostr_key_of(did()).error().code == "bad_did");
}
