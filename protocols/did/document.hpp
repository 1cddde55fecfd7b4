// DID documents (W3C DID Core 1.0 section 5) as a value: what we build and serve, and what we keep
// of other people's.
#pragma once

#include "protocols/did/datetime.hpp"
#include "protocols/did/public_key.hpp"

#include <array>
#include <variant>

namespace kith::dids {

inline constexpr std::string_view context_did = "https://www.w3.org/ns/did/v1";
inline constexpr std::string_view context_multikey = "https://w3id.org/security/multikey/v1";

struct verification_method {
  std::string id; // an absolute DID URL with a fragment
  std::string type = "Multikey";
  std::string controller;
  std::optional<public_key> key; // nothing for a type or curve that we do not read
  // The publicKeyMultibase, where it is not key->multibase(): did:nostr is in base16.
  std::string spelling;
  // Controlled Identifiers 1.0 section 2.2: good for nothing new from `expires` on, for nothing at
  // all from `revoked` on.
  std::optional<wall_ms> expires, revoked;

  bool operator==(const verification_method&) const = default;
};

enum class relationship : std::uint8_t {
  authentication,
  assertion_method,
  key_agreement,
  capability_invocation,
  capability_delegation
};
inline constexpr std::size_t relationship_count = 5;
std::string_view to_string(relationship r); // "assertionMethod"

using method_ref = std::variant<std::string, verification_method>; // by its id, or embedded

struct service_entry {
  std::string id;
  std::vector<std::string> types;
  json endpoint; // a text, an object, or an array of these
  bool operator==(const service_entry&) const = default;
};

struct document {
  // Past any of these a document is refused: too_large "document_too_large".
  static constexpr std::size_t size_max = 64 << 10; // bytes of JSON
  static constexpr std::size_t depth_max = 12;
  static constexpr std::size_t entries_max = 64; // of each list
  static constexpr std::size_t text_size_max = 2048;

  std::vector<std::string> contexts; // empty: those that the methods' types ask for
  std::string id;
  std::vector<std::string> controllers, also_known_as;
  std::vector<verification_method> methods;
  std::array<std::vector<method_ref>, relationship_count> relations;
  std::vector<service_entry> services;
  json extra; // an object of further members that a DID method defines, or null; never parsed

  std::vector<method_ref>& of(relationship r) { return relations[std::size_t(r)]; }
  const std::vector<method_ref>& of(relationship r) const { return relations[std::size_t(r)]; }
  // By id ("#key" too), listed or embedded; nullptr if there is none.
  const verification_method* find(std::string_view method_id) const;
  // Whether `method_id` may be used so: it is listed or embedded under `r`.
  bool allows(relationship r, std::string_view method_id) const;
  // A method under several relationships by its id; empty lists are left out of the JSON.
  void relate(std::string_view method_id, std::initializer_list<relationship> all);

  // DID Core section 6: with "@context" it is application/did+ld+json, without
  // application/did+json.
  json to_json(bool with_context = true) const;

  // Somebody else's. Relative ids ("#key") become absolute. malformed "bad_json", "bad_document",
  // or what public_key found at fault; a method of unknown type is kept without its key.
  static result<document> parse(std::string_view text);
  static result<document> from_json(const json& value);

  bool operator==(const document&) const = default;
};

} // namespace kith::dids
