#include "runtime/base/result.hpp"

namespace kith {

std::string_view to_string(errc category) {
  switch (category) {
  case errc::invalid: return "invalid";
  case errc::malformed: return "malformed";
  case errc::too_large: return "too_large";
  case errc::unauthenticated: return "unauthenticated";
  case errc::forbidden: return "forbidden";
  case errc::not_found: return "not_found";
  case errc::exists: return "exists";
  case errc::conflict: return "conflict";
  case errc::overloaded: return "overloaded";
  case errc::unavailable: return "unavailable";
  case errc::timeout: return "timeout";
  case errc::cancelled: return "cancelled";
  case errc::corrupt: return "corrupt";
  case errc::io: return "io";
  case errc::unsupported: return "unsupported";
  case errc::internal: return "internal";
  }
  return "unknown";
}

std::string error::what() const {
  if (code.empty()) return context.empty() ? std::string(to_string(category)) : context;
  return context.empty() ? code : code + ": " + context;
}

} // namespace kith
