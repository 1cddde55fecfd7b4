// DIDs: the syntax of DID Core, and the vectors of the did:key method.
#include "runtime/identity/did.hpp"

#include "runtime/crypto/base58.hpp"
#include "runtime/crypto/ed25519.hpp"
#include "runtime/crypto/x25519.hpp"
#include "runtime/identity/keys.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unordered_set>

using namespace kith;

namespace {

boost::json::object vectors() {
  std::ifstream in("runtime/identity/vectors/ed25519-x25519.json");
  REQUIRE(in);
  std::stringstream text;
  text << in.rdbuf();
  return boost::json::parse(text.str()).as_object();
}

// Unpadded base64url (RFC 4648 section 5), which the newer vectors' JSON Web Keys are in.
bytes from_base64url(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  bytes out;
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    bits = bits << 6 | std::uint32_t(digits.find(c));
    if ((held += 6) < 8) continue;
    held -= 8;
    out.push_back(std::uint8_t(bits >> held));
  }
  return out;
}

// The 32 bytes of a vector's public or private key, in either of the forms that the vectors have.
bytes raw_key(const boost::json::object& pair, const std::string& which) {
  auto text = [](const boost::json::value& v) { return std::string_view(v.as_string()); };
  const auto* jwk = pair.if_contains(which + "KeyJwk");
  auto raw = jwk ? from_base64url(text(jwk->as_object().at(which == "public" ? "x" : "d")))
                 : crypto::base58btc_decode(text(pair.at(which + "KeyBase58"))).value();
  REQUIRE(raw.size() == 32);
  return raw;
}

const std::string zero_seed_did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";

} // namespace

TEST_CASE("did:key gives the DIDs of the method's Ed25519 vectors, both ways",
          "[identity][vector]") {
  int checked = 0;
  for (const auto& [text, value] : vectors()) {
    const auto& row = value.as_object();
    auto seed = from_hex(std::string_view(row.at("seed").as_string())).value();
    auto key = secret_key::from_seed(std::span<const std::uint8_t, 32>(seed));
    const auto& pair = row.at("verificationKeyPair").as_object();
    CHECK(equal(key.public_key(), raw_key(pair, "public")));
    CHECK(key.did().text() == std::string_view(text));
    auto parsed = did::parse(std::string_view(text)).value();
    CHECK(parsed == key.did());
    CHECK(parsed.method() == "key");
    CHECK(parsed.ed25519() == key.public_key());
    ++checked;
  }
  CHECK(checked == 5);
}

TEST_CASE("the key agreement keys of did:key's vectors follow from the Ed25519 keys",
          "[identity][vector]") {
  int checked = 0;
  for (const auto& [text, value] : vectors()) {
    const auto& agreement = value.as_object().at("keyAgreementKeyPair").as_object();
    auto seed = from_hex(std::string_view(value.as_object().at("seed").as_string())).value();
    auto key = crypto::ed25519_key::from_seed(std::span<const std::uint8_t, 32>(seed));
    auto expected = raw_key(agreement, "public");
    CHECK(equal(crypto::x25519_from_ed25519(key.public_key()).value(), expected));
    auto secret = raw_key(agreement, "private");
    CHECK(equal(key.to_x25519().expose(), secret));
    ++checked;
  }
  CHECK(checked == 5);
}

TEST_CASE("DIDs of every method are carried as they are", "[identity][unit]") {
  for (std::string text :
       {"did:web:example.com", "did:web:example.com%3A3000:user:alice", "did:a:b", "did:1:::x",
        "did:example:A-b_c.d%2f",
        "did:nostr:82341f882b6eabcd2ba7f1ef90aad961cf074af15b9ef44a09f9d2a8fbfbe6a2"}) {
    auto parsed = did::parse(text);
    REQUIRE(parsed);
    CHECK(parsed->text() == text);
    CHECK_FALSE(parsed->empty());
    CHECK_FALSE(parsed->ed25519());
  }
  CHECK(did::parse("did:web:example.com").value().method() == "web");
  CHECK(did::parse("did:1:::x").value().method() == "1");
}

TEST_CASE("what is not a DID is refused", "[identity][unit]") {
  for (std::string_view text :
       {"",           "did",        "did:",      "did:a",          "did:a:",    "did::b",
        "did:A:b",    "did:a-b:c",  "DID:a:b",   "urn:a:b",        " did:a:b",  "did:a:b ",
        "did:a:b:",   "did:a:b/c",  "did:a:b#c", "did:a:b?c",      "did:a:b%",  "did:a:b%2",
        "did:a:b%2g", "did:a:%%41", "did:a:b\n", "did:a:\xc3\xa9", "did:a:b;c", "did:a:b+c"}) {
    INFO(text);
    auto parsed = did::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().category == errc::malformed);
    CHECK(parsed.error().code == "bad_did");
  }
  CHECK_FALSE(did::parse(std::string_view("did:a:b\0c", 9)));
}

TEST_CASE("a DID is refused past its size, and the error shows no more than a part",
          "[identity][unit]") {
  std::string longest = "did:a:" + std::string(did::size_max - 6, 'x');
  CHECK(did::parse(longest));
  auto refused = did::parse(longest + "x\x1b[31m");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().context.size() < 120);
  CHECK(did::parse("did:\x1b[31m").error().context.find('\x1b') == std::string::npos);
}

TEST_CASE("a did:key cut at any byte names no key", "[identity][property]") {
  for (std::size_t size = 0; size < zero_seed_did.size(); ++size) {
    auto parsed = did::parse(zero_seed_did.substr(0, size));
    if (parsed) REQUIRE_FALSE(parsed->ed25519());
  }
  CHECK(did::parse(zero_seed_did).value().ed25519());
}

TEST_CASE("only the canonical text of an Ed25519 did:key names its key", "[identity][unit]") {
  auto key = did::parse(zero_seed_did).value().ed25519().value();
  auto named = [](const std::string& specific) {
    return did::parse("did:key:" + specific).value().ed25519().has_value();
  };
  auto coded = [](bytes b) { return "z" + crypto::base58btc_encode(b).value(); };
  bytes right{0xed, 0x01};
  append(right, key);
  REQUIRE(named(coded(right)));
  CHECK("did:key:" + coded(right) == zero_seed_did);

  bytes zero_before = right, one_more = right, secp = right, x25519 = right;
  zero_before.insert(zero_before.begin(), 0);
  one_more.push_back(0);
  secp[0] = 0xe7;
  x25519[0] = 0xec;
  for (const auto& b :
       {zero_before, one_more, secp, x25519, to_bytes(byte_view(right).first(33)), bytes{}})
    CHECK_FALSE(named(coded(b)));
  bytes long_varint{0xed, 0x81, 0x00}; // the same codec number in more bytes than needed
  append(long_varint, key);
  CHECK_FALSE(named(coded(long_varint)));
  CHECK_FALSE(named("f" + to_hex(right)));                              // another multibase
  CHECK_FALSE(named(coded(right).substr(1)));                           // none
  CHECK_FALSE(named("z0" + coded(right).substr(2)));                    // not in the alphabet
  CHECK_FALSE(named(coded(right) + ":" + coded(right).substr(1)));      // two
  CHECK_FALSE(did::parse("did:kez:" + coded(right)).value().ed25519()); // another method
}

TEST_CASE("every Ed25519 key comes back from its did:key", "[identity][property]") {
  seeded_random random(3);
  for (int i = 0; i < 300; ++i) {
    ed25519_public key;
    random.fill(key);
    if (i < 32) std::fill(key.begin(), key.begin() + i, std::uint8_t(0));
    auto made = did::from_key(key);
    REQUIRE(made.ed25519() == key);
    REQUIRE(did::parse(made.text()).value() == made);
    REQUIRE(made.text().starts_with("did:key:z6Mk"));
  }
}

TEST_CASE("DIDs compare and hash by their text", "[identity][unit]") {
  auto a = did::parse("did:a:1").value(), again = did::parse("did:a:1").value(),
       b = did::parse("did:a:2").value();
  did none;
  CHECK(a == again);
  CHECK(a.hash() == again.hash());
  CHECK(std::hash<did>{}(a) == a.hash());
  CHECK(a != b);
  CHECK(a < b);
  CHECK(none < a);
  CHECK(none == did());
  CHECK(none != a);
  CHECK((none.empty() && none.text().empty() && none.method().empty() && !none.ed25519() &&
         none.hash() == 0));
  std::unordered_set<did> set{a, again, b};
  CHECK(set.size() == 2);
}
