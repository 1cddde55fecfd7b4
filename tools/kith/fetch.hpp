// One HTTP fetch by a program that has no reactor: starts one, waits, and ends it.
#pragma once

#include "runtime/net/http_client.hpp"

namespace kith::cli {

struct fetch_options {
  net::tls_trust trust;
  net::fetch_limits limits;
  bool allow_private = false;
  std::string accept = "*/*";
};

// Blocks for at most limits.time_max, and a little. The errors of net::http_client::fetch, and of
// tls_client_context::make.
result<net::fetch_answer> fetch(const std::string& url, const fetch_options& how);

} // namespace kith::cli
