#include "actors/edge/problem.hpp"

namespace kith::edge {

int status_of(const error& e) {
  switch (e.category) {
  case errc::invalid:
  case errc::malformed: return 400;
  case errc::unauthenticated: return 401;
  case errc::forbidden: return 403;
  case errc::not_found: return 404;
  case errc::exists:
  case errc::conflict: return 409;
  case errc::too_large: return 413;
  case errc::overloaded: return 429;
  case errc::unavailable: return 503;
  case errc::timeout: return 504;
  case errc::unsupported: return 501;
  default: return 500;
  }
}

net::http_response problem(int status, std::string_view detail, std::string_view code) {
  auto answer = net::http_response::problem(status, detail, code);
  if (status == 401)
    answer.headers.set("WWW-Authenticate", "Signature realm=\"kith\", Bearer realm=\"kith\"");
  if (status == 429 || status == 503) answer.headers.set("Retry-After", "1");
  answer.headers.set("Cache-Control", "no-store");
  return answer;
}

net::http_response problem(const error& e) { return problem(status_of(e), e.context, e.code); }

net::http_response json_response(int status, const json& value) {
  auto answer = net::http_response::of(status, "application/json", value.dump());
  answer.headers.set("Cache-Control", "no-store");
  return answer;
}

} // namespace kith::edge
