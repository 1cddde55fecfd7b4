// Somebody else's document to a value. Each part is checked before it is kept: lists are counted,
// texts measured, ids absolute and of this document, keys points of their curves.
#include "protocols/did/document.hpp"
#include "protocols/did/method_types.hpp"
#include "runtime/crypto/base58.hpp"

#include <algorithm>

namespace kith::dids {
namespace {

tl::unexpected<error> bad(const std::string& why) {
  return fail(errc::malformed, "bad_document", why);
}
tl::unexpected<error> too_large(const std::string& why) {
  return fail(errc::too_large, "document_too_large", why);
}

bool deeper_than(const json& v, std::size_t depth) {
  if (!v.is_array() && !v.is_object()) return false;
  if (depth == 0) return true;
  for (std::size_t i = 0; i < v.size(); ++i)
    if (deeper_than(v.at(i), depth - 1)) return true;
  return false;
}

result<std::string> text_of(const json& v, std::string_view name) {
  if (!v.is_string() || v.as_string().empty()) return bad(std::string(name) + " is not text");
  if (v.as_string().size() > document::text_size_max)
    return too_large(std::string(name) + " is too long");
  return v.as_string();
}

// A text or an array of texts; nothing if it is absent.
result<std::vector<std::string>> texts_of(const json& object, std::string_view name) {
  std::vector<std::string> out;
  const auto* v = object.find(name);
  if (!v) return out;
  if (v->is_array()) {
    if (v->size() > document::entries_max) return too_large("too many of " + std::string(name));
    for (std::size_t i = 0; i < v->size(); ++i) {
      KITH_ASSIGN(auto text, text_of(v->at(i), name));
      out.push_back(std::move(text));
    }
    return out;
  }
  KITH_ASSIGN(auto text, text_of(*v, name));
  out.push_back(std::move(text));
  return out;
}

// An array that may be absent (then it is `none`).
result<const json*> list_of(const json& object, std::string_view name) {
  static const json none = json::array();
  const auto* v = object.find(name);
  if (!v) return &none;
  if (!v->is_array()) return bad(std::string(name) + " is not an array");
  if (v->size() > document::entries_max) return too_large("too many of " + std::string(name));
  return v;
}

// A DID URL (DID Core section 3.2), absolute once it is read.
result<std::string> did_url(const json& v, std::string_view base, std::string_view name) {
  KITH_ASSIGN(auto text, text_of(v, name));
  if (text.front() == '#') text.insert(0, base);
  if (text.size() > document::text_size_max) return too_large(std::string(name) + " is too long");
  bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '<' && c != '>' && c != '\\';
  });
  if (!plain || !did::parse(text.substr(0, text.find_first_of("/?#"))))
    return bad(std::string(name) + " is no DID URL");
  return text;
}

result<std::optional<wall_ms>> time_of(const json& object, std::string_view name) {
  const auto* v = object.find(name);
  if (!v) return std::optional<wall_ms>();
  KITH_ASSIGN(auto text, text_of(*v, name));
  KITH_ASSIGN(auto t, parse_datetime(text));
  return std::optional<wall_ms>(t);
}

// From whichever member holds it; at most one may (DID Core section 5.2.1).
result<std::optional<public_key>> read_key(const json& object, const method_type& type) {
  const auto *multibase = object.find("publicKeyMultibase"), *jwk = object.find("publicKeyJwk"),
             *base58 = object.find("publicKeyBase58");
  if ((multibase != nullptr) + (jwk != nullptr) + (base58 != nullptr) > 1)
    return bad("a verification method has its key twice");
  result<public_key> key = fail(errc::unsupported, "key_type");
  if (multibase) {
    KITH_ASSIGN(auto text, text_of(*multibase, "publicKeyMultibase"));
    key = public_key::from_multibase(text);
  } else if (jwk) {
    key = public_key::from_jwk(*jwk);
  } else if (base58 && type.key) {
    KITH_ASSIGN(auto text, text_of(*base58, "publicKeyBase58"));
    KITH_ASSIGN(auto raw, crypto::base58btc_decode(text));
    key = public_key::from_raw(*type.key, raw);
  }
  if (!key && key.error().category == errc::unsupported) return std::optional<public_key>();
  if (!key) return fail(key.error());
  if (type.key && key->type() != *type.key)
    return bad("a verification method's key is not of its type");
  return std::optional<public_key>(*key);
}

result<verification_method> read_method(const json& v, const std::string& base) {
  if (!v.is_object()) return bad("a verification method is no object");
  verification_method m;
  KITH_ASSIGN(m.id, did_url(v["id"], base, "a verification method's id"));
  // An id of somebody else's document would pass this key off as theirs.
  if (!m.id.starts_with(base + "#") || m.id.size() == base.size() + 1)
    return bad("a verification method's id is not of this document");
  KITH_ASSIGN(m.type, text_of(v["type"], "a verification method's type"));
  KITH_ASSIGN(m.controller, text_of(v["controller"], "a verification method's controller"));
  if (!did::parse(m.controller)) return bad("a verification method's controller is no DID");
  KITH_ASSIGN(m.expires, time_of(v, "expires"));
  KITH_ASSIGN(m.revoked, time_of(v, "revoked"));
  const auto* type = find_method_type(m.type);
  if (!type) return m;
  KITH_ASSIGN(m.key, read_key(v, *type));
  const auto* multibase = v.find("publicKeyMultibase");
  if (m.key && multibase && multibase->as_string() != m.key->multibase())
    m.spelling = multibase->as_string();
  return m;
}

result<service_entry> read_service(const json& v, const std::string& base) {
  if (!v.is_object()) return bad("a service is no object");
  service_entry s;
  KITH_ASSIGN(s.id, text_of(v["id"], "a service's id"));
  if (s.id.starts_with('#')) s.id.insert(0, base);
  if (s.id.size() > document::text_size_max) return too_large("a service's id is too long");
  KITH_ASSIGN(s.types, texts_of(v, "type"));
  if (s.types.empty()) return bad("a service has no type");
  const auto& endpoint = v["serviceEndpoint"];
  if (endpoint.is_string()) {
    KITH_TRY(text_of(endpoint, "a service's endpoint"));
  } else if (!endpoint.is_array() && !endpoint.is_object()) {
    return bad("a service has no endpoint");
  }
  if (endpoint.size() > document::entries_max) return too_large("a service has too many endpoints");
  s.endpoint = endpoint;
  return s;
}

result<void> read_contexts(document& doc, const json& value) {
  const auto* v = value.find("@context");
  if (!v) return {};
  if (v->is_string()) doc.contexts.push_back(v->as_string());
  if (!v->is_array()) return {};
  if (v->size() > document::entries_max) return too_large("too many contexts");
  for (std::size_t i = 0; i < v->size(); ++i)
    if (v->at(i).is_string()) doc.contexts.push_back(v->at(i).as_string());
  return {};
}

result<void> read_methods(document& doc, const json& value) {
  KITH_ASSIGN(const json* list, list_of(value, "verificationMethod"));
  for (std::size_t i = 0; i < list->size(); ++i) {
    KITH_ASSIGN(auto m, read_method(list->at(i), doc.id));
    if (doc.find(m.id)) return bad("two verification methods have one id");
    doc.methods.push_back(std::move(m));
  }
  for (std::size_t r = 0; r < relationship_count; ++r) {
    auto name = to_string(relationship(r));
    KITH_ASSIGN(const json* refs, list_of(value, name));
    for (std::size_t i = 0; i < refs->size(); ++i) {
      if (refs->at(i).is_string()) {
        KITH_ASSIGN(auto id, did_url(refs->at(i), doc.id, name));
        doc.relations[r].emplace_back(std::move(id));
        continue;
      }
      KITH_ASSIGN(auto m, read_method(refs->at(i), doc.id));
      if (doc.find(m.id)) return bad("two verification methods have one id");
      doc.relations[r].emplace_back(std::move(m));
    }
  }
  return {};
}

} // namespace

result<document> document::parse(std::string_view text) {
  if (text.size() > size_max) return too_large(std::to_string(text.size()) + " bytes");
  KITH_ASSIGN(auto value, json::parse(text));
  return from_json(value);
}

result<document> document::from_json(const json& value) {
  if (!value.is_object()) return bad("it is no object");
  if (deeper_than(value, depth_max)) return too_large("it is nested too deep");
  document doc;
  KITH_ASSIGN(doc.id, text_of(value["id"], "its id"));
  if (!did::parse(doc.id)) return bad("its id is no DID");
  KITH_TRY(read_contexts(doc, value));
  KITH_ASSIGN(doc.controllers, texts_of(value, "controller"));
  KITH_ASSIGN(doc.also_known_as, texts_of(value, "alsoKnownAs"));
  KITH_TRY(read_methods(doc, value));
  KITH_ASSIGN(const json* services, list_of(value, "service"));
  for (std::size_t i = 0; i < services->size(); ++i) {
    KITH_ASSIGN(auto s, read_service(services->at(i), doc.id));
    doc.services.push_back(std::move(s));
  }
  return doc;
}

} // namespace kith::dids
