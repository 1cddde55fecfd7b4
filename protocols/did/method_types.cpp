// https://www.w3.org/TR/did-extensions-properties/#verification-method-types
#include "protocols/did/method_types.hpp"

#include "protocols/did/document.hpp"
#include "runtime/crypto/base58.hpp"

#include <algorithm>

namespace kith::dids {
namespace {

constexpr std::string_view jws_2020 = "https://w3id.org/security/suites/jws-2020/v1";
constexpr method_type types[] = {
    {"Multikey", key_form::multibase, std::nullopt, context_multikey},
    {"JsonWebKey2020", key_form::jwk, std::nullopt, jws_2020},
    {"JsonWebKey", key_form::jwk, std::nullopt, "https://w3id.org/security/jwk/v1"},
    {"Ed25519VerificationKey2020", key_form::multibase, key_type::ed25519,
     "https://w3id.org/security/suites/ed25519-2020/v1"},
    {"Ed25519VerificationKey2018", key_form::base58, key_type::ed25519,
     "https://w3id.org/security/suites/ed25519-2018/v1"},
    {"X25519KeyAgreementKey2020", key_form::multibase, key_type::x25519,
     "https://w3id.org/security/suites/x25519-2020/v1"},
    {"X25519KeyAgreementKey2019", key_form::base58, key_type::x25519,
     "https://w3id.org/security/suites/x25519-2019/v1"},
    {"EcdsaSecp256k1VerificationKey2019", key_form::base58, key_type::secp256k1,
     "https://w3id.org/security/suites/secp256k1-2019/v1"},
};

} // namespace

const method_type* find_method_type(std::string_view name) {
  const auto* found = std::find_if(std::begin(types), std::end(types),
                                   [&](const method_type& t) { return t.name == name; });
  return found == std::end(types) ? nullptr : found;
}

key_form form_of(std::string_view type) {
  const auto* found = find_method_type(type);
  return found ? found->form : key_form::multibase;
}

std::string_view context_for(std::string_view type) {
  const auto* found = find_method_type(type);
  return found ? found->context : std::string_view();
}

std::string raw_base58(const public_key& key) {
  return crypto::base58btc_encode(key.raw()).value();
}

} // namespace kith::dids
