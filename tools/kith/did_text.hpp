// Documents and key histories, as a person and as a script see them. Pure.
#pragma once

#include "protocols/did/document.hpp"
#include "protocols/did/rotation.hpp"
#include "tools/kith/json_fwd.hpp"

namespace kith::cli {

// [{id, type, multibase, for: ["authentication", ...]}]
boost::json::array keys_of(const dids::document& d);
// [{key, did, from_ms, until_ms?, state: "current", "past" or "revoked"}]
boost::json::array periods_of(const dids::key_history& h);

// The DID, its keys, and the document, indented.
std::string render_document(const dids::document& d, bool colour);
std::string render_history(const dids::key_history& h, bool colour);

} // namespace kith::cli
