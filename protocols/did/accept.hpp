// Content negotiation (RFC 9110 section 12.5.1) between the forms in which a resolution can be
// sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kith::dids {

inline constexpr std::size_t accept_size_max = 2048; // a longer field is read as if it were absent
inline constexpr std::size_t accept_ranges_max = 32; // those behind are not read

// In the order of our preference, where a client has none.
enum class representation : std::uint8_t {
  result,      // application/did-resolution
  did_ld_json, // application/did+ld+json
  did_json,    // application/did+json: without "@context"
  did,         // application/did (DID Core 1.1)
  json,        // application/json: the result, because it says more
  ld_json,     // application/ld+json: the document
  result_ld    // application/ld+json;profile="https://w3id.org/did-resolution"
};

// As a Content-Type.
std::string_view media_type_of(representation r);
// A resolution result; otherwise a bare document.
bool is_result(representation r);
// Highest quality, then the one that is named most exactly, then our order. Nothing if none is
// acceptable. A range that is not well formed counts as not there.
std::optional<representation> negotiate(std::string_view accept);

} // namespace kith::dids
