// The document is fixed by the method but for what its details add.
#include "protocols/did/did_nostr.hpp"

#include "runtime/crypto/secp256k1.hpp"

#include <algorithm>

namespace kith::dids {
namespace {

constexpr std::string_view prefix = "did:nostr:";
constexpr std::string_view multicodec = "e701"; // the varint of 0xe7
constexpr std::size_t digits = 64;

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

nostr_key key_from(byte_view b) {
  nostr_key key;
  std::memcpy(key.data(), b.data(), key.size());
  return key;
}

} // namespace

result<nostr_key> parse_nostr_key(std::string_view hex) {
  if (hex.size() != digits)
    return fail(errc::malformed, "bad_hex_length", "a Nostr key has 64 hexadecimal digits");
  KITH_ASSIGN(auto b, from_hex(hex));
  return key_from(b);
}

result<void> check_nostr_key(const nostr_key& key) {
  if (crypto::secp256k1_is_x(key)) return {};
  return fail(errc::malformed, "bad_public_key", "it is the x of no point of secp256k1");
}

std::string nostr_multikey(const nostr_key& key) {
  return "f" + std::string(multicodec) + "02" + to_hex(key);
}

result<nostr_key> parse_nostr_multikey(std::string_view text, parity allowed) {
  auto bad = [](const char* code, const char* why) { return fail(errc::malformed, code, why); };
  if (!text.starts_with('f') || !is_lower_hex(text))
    return bad("bad_multibase", "it is not base16 in lower case behind an 'f'");
  auto coded = text.substr(1);
  if (!coded.starts_with(multicodec)) return bad("bad_multicodec", "it is no key of secp256k1");
  auto point = coded.substr(multicodec.size());
  if (point.size() != 2 + digits) return bad("bad_key_length", "a compressed key has 33 bytes");
  if (point.starts_with("03") && allowed == parity::even)
    return bad("odd_parity", "an x-only key stands for the even point");
  if (!point.starts_with("02") && !point.starts_with("03"))
    return bad("bad_public_key", "it is no compressed key");
  return parse_nostr_key(point.substr(2));
}

did nostr_did(const nostr_key& key) {
  return did::parse(std::string(prefix) + to_hex(key)).value();
}

result<nostr_key> nostr_key_of(const did& subject) {
  auto text = std::string_view(subject.text());
  auto hex = text.substr(std::min(prefix.size(), text.size()));
  if (!text.starts_with(prefix) || hex.size() != digits || !is_lower_hex(hex))
    return fail(errc::malformed, "bad_did", "a did:nostr is a key of 64 digits in lower case");
  KITH_ASSIGN(auto key, parse_nostr_key(hex));
  KITH_TRY(check_nostr_key(key));
  return key;
}

document nostr_document(const nostr_key& key, const nostr_details& details) {
  document doc;
  doc.contexts = {"https://www.w3.org/ns/cid/v1", "https://w3id.org/nostr/context"};
  doc.id = nostr_did(key).text();
  doc.also_known_as = details.also_known_as;
  verification_method m;
  m.id = doc.id + "#key1";
  m.controller = doc.id;
  m.spelling = nostr_multikey(key);
  if (auto point = public_key::from_multibase(m.spelling)) m.key = *point;
  doc.methods.push_back(std::move(m));
  doc.relate("#key1", {relationship::authentication, relationship::assertion_method});
  for (std::size_t i = 0; i < details.relays.size(); ++i)
    doc.services.push_back(
        {doc.id + "#relay" + std::to_string(i + 1), {"Relay"}, details.relays[i]});
  doc.extra = json::object();
  doc.extra.set("type", "DIDNostr");
  if (details.modified) doc.extra.set("modified", format_datetime(*details.modified));
  if (details.profile.is_object()) doc.extra.set("profile", details.profile);
  if (!details.follows.empty()) {
    auto list = json::array();
    for (const auto& followed : details.follows) list.push_back(nostr_did(followed).text());
    doc.extra.set("follows", std::move(list));
  }
  return doc;
}

} // namespace kith::dids
