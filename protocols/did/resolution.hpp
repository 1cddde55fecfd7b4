// What resolving a DID gives (DID Resolution 1.0, Candidate Recommendation of July 2026, section
// 4): a document, or an error of a fixed list; each error has its HTTP status (section 9.1).
#pragma once

#include "protocols/did/document.hpp"

namespace kith::dids {

enum class resolution_error : std::uint8_t {
  none,
  invalid_did,
  not_found,
  representation_not_supported, // nothing that Accept asks for
  invalid_did_document,         // what was fetched is not the DID's document
  method_not_supported,
  feature_not_supported, // a DID URL, or a kind of key that we do not have
  internal_error         // could not find out: a network that failed, or a defect
};
std::string_view
to_string(resolution_error e); // "invalidDid", as DID Core 1.0 section 7.1.2 has it

struct document_metadata {
  bool deactivated = false;
  std::optional<wall_ms> created, updated;
  std::string version_id; // empty: none
};

// Either an error (then there is no document) or none. A deactivated DID has neither.
struct resolution {
  std::string subject; // the DID; empty if what was asked for is none
  resolution_error error = resolution_error::none;
  std::string code; // for scripts and metrics: one of a fixed few, "fetch_timeout"; empty: no error
  std::string detail;          // a sentence in ASCII, without anything of the peer's
  std::string text;            // the document as it is served, JSON; empty if there is none
  bool has_context = false;    // whether the text has an "@context"
  std::optional<document> doc; // the same, as a value
  document_metadata metadata;

  bool ok() const { return error == resolution_error::none && doc.has_value(); }
};

// Shared because one that is cached is handed to many requests at a time; never null.
using resolution_ptr = std::shared_ptr<const resolution>;

// Of a document that we made. Throws json_error if the caller's parts of it are not UTF-8.
resolution resolved(document doc, document_metadata metadata = {});
// Of one that was fetched, which is served as it was but for the order of its members.
resolution resolved_foreign(document doc, const json& fetched);
resolution failed(std::string subject, resolution_error e, std::string code, std::string detail);
resolution deactivated(std::string subject);

// 200, 400, 404, 406, 410, 500, 501.
int http_status(const resolution& r);

struct response {
  int status = 200;
  std::string content_type;
  std::string body;
};

// The HTTP answer for an Accept field (empty: anything; several: joined by commas). An error is
// always a resolution result; a success is one, or the bare document, as was asked. 406 with
// representationNotSupported if neither is acceptable. Add "Vary: Accept".
response respond(const resolution& r, std::string_view accept);

// The identifier in what follows ".../identifiers/" in a request's path: as it stands, but
// %-decoded once where the DID's own colons are encoded ("did%3Akey%3A..."), as DIF's resolver
// does.
std::string identifier_from_path(std::string_view rest);

} // namespace kith::dids
