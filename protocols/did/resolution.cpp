// The table of errors, and resolutions as HTTP answers. Bodies are put together from the document's
// text, so that serving a cached one builds no JSON values.
#include "protocols/did/resolution.hpp"

#include "protocols/did/accept.hpp"

#include <charconv>
#include <kith/json_writer.hpp>

namespace kith::dids {
namespace {

struct row {
  std::string_view name, uri, title;
  int status;
};

constexpr row errors[] = {
    {"", "", "", 200},
    {"invalidDid", "INVALID_DID", "The DID is not valid.", 400},
    {"notFound", "NOT_FOUND", "The DID was not found.", 404},
    {"representationNotSupported", "REPRESENTATION_NOT_SUPPORTED",
     "No representation of the document is acceptable.", 406},
    {"invalidDidDocument", "INVALID_DID_DOCUMENT", "The DID's document is not valid.", 500},
    {"methodNotSupported", "METHOD_NOT_SUPPORTED", "The DID method is not supported.", 501},
    {"featureNotSupported", "FEATURE_NOT_SUPPORTED", "This is not supported.", 501},
    {"internalError", "INTERNAL_ERROR", "The DID could not be resolved.", 500},
};

const row& row_of(resolution_error e) { return errors[std::size_t(e)]; }

std::string_view media_type(const resolution& r) {
  return r.has_context ? "application/did+ld+json" : "application/did+json";
}

void put_metadata(std::string& out, const resolution& r) {
  json_writer w(out);
  w.begin_object();
  if (r.metadata.created) w.key("created"), w.string(format_datetime(*r.metadata.created));
  if (r.metadata.deactivated) w.key("deactivated"), w.boolean(true);
  if (r.metadata.updated) w.key("updated"), w.string(format_datetime(*r.metadata.updated));
  if (!r.metadata.version_id.empty()) w.key("versionId"), w.string(r.metadata.version_id);
  w.end_object();
}

// "error" is the keyword of DID Core 1.0, which all clients know; the newer form, a problem of RFC
// 9457, stands beside it.
void put_resolution_metadata(std::string& out, const resolution& r) {
  json_writer w(out);
  w.begin_object();
  if (!r.text.empty()) w.key("contentType"), w.string(media_type(r));
  if (r.error != resolution_error::none) {
    const auto& e = row_of(r.error);
    w.key("error"), w.string(e.name);
    w.key("problemDetails"), w.begin_object();
    w.key("code"), w.string(r.code);
    w.key("detail"), w.string(r.detail);
    w.key("title"), w.string(e.title);
    w.key("type"), w.string("https://www.w3.org/ns/did#" + std::string(e.uri));
    w.end_object();
  }
  w.end_object();
}

std::string result_body(const resolution& r, bool with_context) {
  std::string out = "{";
  if (with_context) out += R"("@context":"https://w3id.org/did-resolution/v1",)";
  out += R"("didDocument":)";
  out += r.text.empty() ? "null" : r.text;
  out += R"(,"didDocumentMetadata":)";
  put_metadata(out, r);
  out += R"(,"didResolutionMetadata":)";
  put_resolution_metadata(out, r);
  return out += '}';
}

// The document with or without "@context", which is not as the text has it.
std::string other_form(const resolution& r, bool with_context) {
  auto value = json::parse(r.text).value(); // we wrote it
  auto out = json::object();
  for (std::size_t i = 0; i < value.size(); ++i)
    if (value.name_at(i) != "@context") out.set(value.name_at(i), value.at(i));
  if (with_context) out.set("@context", json::array().push_back(context_did));
  return out.dump();
}

std::string document_body(const resolution& r, bool with_context) {
  return r.has_context == with_context ? r.text : other_form(r, with_context);
}

} // namespace

std::string_view to_string(resolution_error e) { return row_of(e).name; }

resolution resolved(document doc, document_metadata metadata) {
  resolution r;
  r.subject = doc.id;
  r.text = doc.to_json().dump();
  r.has_context = true;
  r.doc = std::move(doc);
  r.metadata = std::move(metadata);
  return r;
}

resolution resolved_foreign(document doc, const json& fetched) {
  resolution r;
  r.subject = doc.id;
  r.text = fetched.dump();
  r.has_context = fetched.find("@context") != nullptr;
  r.doc = std::move(doc);
  return r;
}

resolution failed(std::string subject, resolution_error e, std::string code, std::string detail) {
  resolution r;
  r.subject = std::move(subject);
  r.error = e;
  r.code = std::move(code);
  r.detail = std::move(detail);
  return r;
}

resolution deactivated(std::string subject) {
  resolution r;
  r.subject = std::move(subject);
  r.metadata.deactivated = true;
  return r;
}

int http_status(const resolution& r) {
  return r.metadata.deactivated ? 410 : row_of(r.error).status;
}

response respond(const resolution& r, std::string_view accept) {
  auto form = negotiate(accept);
  auto status = http_status(r);
  bool has_document = !r.text.empty();
  if (!form && has_document) {
    auto refusal = failed(r.subject, resolution_error::representation_not_supported,
                          "not_acceptable", "Accept names no representation that we have");
    return {http_status(refusal), std::string(media_type_of(representation::result)),
            result_body(refusal, false)};
  }
  // Without a document there is only the result to send, whatever was asked for.
  auto sent = form.value_or(representation::result);
  if (!has_document && !is_result(sent)) sent = representation::result;
  std::string type(media_type_of(sent));
  if (is_result(sent))
    return {status, std::move(type), result_body(r, sent == representation::result_ld)};
  return {status, std::move(type), document_body(r, sent != representation::did_json)};
}

std::string identifier_from_path(std::string_view rest) {
  constexpr std::string_view encoded = "did%3A", encoded_small = "did%3a";
  if (!rest.starts_with(encoded) && !rest.starts_with(encoded_small)) return std::string(rest);
  std::string out;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    unsigned v = 0;
    const char* digits = rest.data() + i + 1;
    bool escape = rest[i] == '%' && rest.size() - i >= 3;
    if (escape) {
      auto [end, error] = std::from_chars(digits, digits + 2, v, 16);
      escape = error == std::errc() && end == digits + 2;
    }
    out += escape ? char(v) : rest[i];
    if (escape) i += 2;
  }
  return out;
}

} // namespace kith::dids
