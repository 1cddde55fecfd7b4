// The method's "document creation algorithm" for its four kinds of keys that we have.
#include "protocols/did/did_key.hpp"

namespace kith::dids {
namespace {

constexpr std::string_view prefix = "did:key:";

method_ref agreement_method(const std::string& controller, const public_key& key) {
  verification_method m;
  m.id = controller + "#" + key.multibase();
  m.type = "X25519KeyAgreementKey2020";
  m.controller = controller;
  m.key = key;
  return m;
}

} // namespace

did key_did(const public_key& key) {
  return did::parse(std::string(prefix) + key.multibase()).value(); // base58btc is of its alphabet
}

result<public_key> key_of(const did& subject) {
  auto text = std::string_view(subject.text());
  if (!text.starts_with(prefix) || !text.substr(prefix.size()).starts_with('z'))
    return fail(errc::malformed, "bad_did", "a did:key begins with 'did:key:z'");
  return public_key::from_multibase(text.substr(prefix.size()));
}

document key_document(const public_key& key, bool derive) {
  document doc;
  doc.id = key_did(key).text();
  if (key.type() == key_type::x25519) {
    doc.of(relationship::key_agreement).push_back(agreement_method(doc.id, key));
    return doc;
  }
  verification_method m;
  m.id = doc.id + "#" + key.multibase();
  m.controller = doc.id;
  m.key = key;
  doc.relate(m.id, {relationship::authentication, relationship::assertion_method,
                    relationship::capability_delegation, relationship::capability_invocation});
  doc.methods.push_back(std::move(m));
  if (auto agreement = derive ? derive_key_agreement(key) : std::nullopt)
    doc.of(relationship::key_agreement).push_back(agreement_method(doc.id, *agreement));
  return doc;
}

} // namespace kith::dids
