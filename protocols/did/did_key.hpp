// did:key 0.7 (https://w3c-ccg.github.io/did-key-spec/): the DID is the key, and its
// document follows from it.
#pragma once

#include "protocols/did/document.hpp"

namespace kith::dids {

did key_did(const public_key& key);
// malformed "bad_did" for what is no did:key (the base is z, no version), otherwise as
// public_key::from_multibase.
result<public_key> key_of(const did& subject);

// Multikey form, as @digitalbazaar/did-method-key 5.3.0 resolves it: a key that signs as Multikey
// under all relationships but keyAgreement, X25519 embedded there as X25519KeyAgreementKey2020.
// With `derive`, an Ed25519 key's document also has the X25519 key that belongs to it (the method's
// enableEncryptionKeyDerivation), as that package's fromKeyPair writes it.
document key_document(const public_key& key, bool derive = false);

} // namespace kith::dids
