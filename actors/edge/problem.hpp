// Errors as HTTP answers: problem documents (RFC 9457) with the status that an error's category
// stands for.
#pragma once

#include "runtime/base/result.hpp"
#include "runtime/net/http.hpp"

#include <kith/json.hpp>

namespace kith::edge {

int status_of(const error& e);
// The error's code is the member "code", its context the detail. 401 names what would authenticate,
// 429 and 503 say when to come again.
net::http_response problem(const error& e);
net::http_response problem(int status, std::string_view detail, std::string_view code);
net::http_response json_response(int status, const json& value);

} // namespace kith::edge
