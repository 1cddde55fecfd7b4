// Documents to JSON, and how their parts find each other.
#include "protocols/did/document.hpp"

#include "protocols/did/method_types.hpp"

#include <algorithm>

namespace kith::dids {
namespace {

constexpr std::string_view relationship_names[relationship_count] = {
    "authentication", "assertionMethod", "keyAgreement", "capabilityInvocation",
    "capabilityDelegation"};

json texts(const std::vector<std::string>& list) {
  auto out = json::array();
  for (const auto& text : list) out.push_back(text);
  return out;
}

// One is a text, several an array (DID Core section 5.1.2, for "controller" and a service's type).
json one_or_more(const std::vector<std::string>& list) {
  return list.size() == 1 ? json(list[0]) : texts(list);
}

json method_json(const verification_method& m) {
  auto out = json::object();
  out.set("id", m.id).set("type", m.type).set("controller", m.controller);
  if (m.expires) out.set("expires", format_datetime(*m.expires));
  if (m.revoked) out.set("revoked", format_datetime(*m.revoked));
  if (!m.key) return out;
  switch (form_of(m.type)) {
  case key_form::jwk: return std::move(out.set("publicKeyJwk", m.key->jwk()));
  case key_form::base58: return std::move(out.set("publicKeyBase58", raw_base58(*m.key)));
  case key_form::multibase: break;
  }
  out.set("publicKeyMultibase", m.spelling.empty() ? m.key->multibase() : m.spelling);
  return out;
}

const std::string& id_of(const method_ref& ref) {
  const auto* embedded = std::get_if<verification_method>(&ref);
  return embedded ? embedded->id : std::get<std::string>(ref);
}

std::string absolute(const document& doc, std::string_view id) {
  return (id.starts_with('#') ? doc.id : "") + std::string(id);
}

void add_once(std::vector<std::string>& list, std::string_view text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.emplace_back(text);
}

std::vector<std::string> contexts_of(const document& doc) {
  if (!doc.contexts.empty()) return doc.contexts;
  std::vector<std::string> out{std::string(context_did)};
  auto add = [&](const verification_method& m) {
    if (auto url = context_for(m.type); !url.empty()) add_once(out, url);
  };
  for (const auto& m : doc.methods) add(m);
  for (const auto& list : doc.relations)
    for (const auto& ref : list)
      if (const auto* embedded = std::get_if<verification_method>(&ref)) add(*embedded);
  return out;
}

} // namespace

std::string_view to_string(relationship r) { return relationship_names[std::size_t(r)]; }

const verification_method* document::find(std::string_view method_id) const {
  auto wanted = absolute(*this, method_id);
  for (const auto& m : methods)
    if (m.id == wanted) return &m;
  for (const auto& list : relations)
    for (const auto& ref : list)
      if (const auto* embedded = std::get_if<verification_method>(&ref))
        if (embedded->id == wanted) return embedded;
  return nullptr;
}

bool document::allows(relationship r, std::string_view method_id) const {
  auto wanted = absolute(*this, method_id);
  const auto& list = of(r);
  return std::any_of(list.begin(), list.end(),
                     [&](const method_ref& ref) { return absolute(*this, id_of(ref)) == wanted; });
}

void document::relate(std::string_view method_id, std::initializer_list<relationship> all) {
  for (auto r : all) of(r).emplace_back(std::string(method_id));
}

json document::to_json(bool with_context) const {
  auto out = extra.is_object() ? extra : json::object();
  if (with_context) out.set("@context", texts(contexts_of(*this)));
  out.set("id", id);
  if (!controllers.empty()) out.set("controller", one_or_more(controllers));
  if (!also_known_as.empty()) out.set("alsoKnownAs", texts(also_known_as));
  if (!methods.empty()) {
    auto list = json::array();
    for (const auto& m : methods) list.push_back(method_json(m));
    out.set("verificationMethod", std::move(list));
  }
  for (std::size_t i = 0; i < relationship_count; ++i) {
    if (relations[i].empty()) continue;
    auto list = json::array();
    for (const auto& ref : relations[i]) {
      const auto* embedded = std::get_if<verification_method>(&ref);
      list.push_back(embedded ? method_json(*embedded) : json(std::get<std::string>(ref)));
    }
    out.set(relationship_names[i], std::move(list));
  }
  if (!services.empty()) {
    auto list = json::array();
    for (const auto& s : services) {
      auto entry = json::object();
      entry.set("id", s.id).set("type", one_or_more(s.types)).set("serviceEndpoint", s.endpoint);
      list.push_back(std::move(entry));
    }
    out.set("service", std::move(list));
  }
  return out;
}

} // namespace kith::dids
