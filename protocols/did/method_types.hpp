// The types of verification methods that we know: what kind of key each has, in which member it
// stands, and which JSON-LD context defines it. For the writer and the parser of documents.
#pragma once

#include "protocols/did/public_key.hpp"

namespace kith::dids {

enum class key_form : std::uint8_t { multibase, jwk, base58 };

struct method_type {
  std::string_view name;
  key_form form;               // in what we write; all are read
  std::optional<key_type> key; // the only kind it may have
  std::string_view context;
};

const method_type* find_method_type(std::string_view name); // nullptr: not ours
key_form form_of(std::string_view type);                    // multibase for what is not ours
std::string_view context_for(std::string_view type);        // empty: none
// The raw key in base58btc, without multibase and multicodec: "publicKeyBase58".
std::string raw_base58(const public_key& key);

} // namespace kith::dids
