// URLs that may be fetched, taken apart (RFC 3986, strictly, by Boost.URL). For this folder and its
// fuzz target.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>

namespace kith::net {

struct http_url {
  bool secure = false; // https
  std::string host;    // lower case, without brackets or a final dot
  std::uint16_t port = 0;
  std::string target; // path and query as they were, "/" at least; no fragment

  // As a Host field has it: the port only if it is not the scheme's own.
  std::string authority() const;
  // For network::connect.
  std::string address() const;
  std::string text() const;
  // Without the target, which may be long or hold secrets: what errors show.
  std::string origin() const;
  bool same_origin(const http_url& other) const;
};

// Errors: invalid "bad_url": not a URL, longer than http_client::url_size_max, without a host, with
// credentials, with port 0, or with a host that is neither a DNS name nor a plain IP address
// ("0x7f.1", "2130706433" and "0177.0.0.1" are none); forbidden "scheme_refused".
result<http_url> parse_http_url(std::string_view text);

// What a Location of `base` means (RFC 3986 section 5.2). The same errors.
result<http_url> resolve_http_url(const http_url& base, std::string_view reference);

} // namespace kith::net
