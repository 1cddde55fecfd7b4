// Addresses as people write them.
#include "runtime/net/network.hpp"

#include <charconv>

namespace kith::net {
namespace {

constexpr std::size_t address_size_max = 4096;

tl::unexpected<error> bad_address(std::string_view text) {
  return fail(errc::invalid, "bad_address",
              "\"" + std::string(text.substr(0, 100)) +
                  "\" is no address; write host:port, [v6]:port or unix:/path");
}

} // namespace

std::string address::text() const {
  if (type == kind::unix_socket) return "unix:" + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

result<address> parse_address(std::string_view text) {
  if (text.size() > address_size_max || text.find('\0') != text.npos) return bad_address(text);
  address out;
  if (text.starts_with("unix:")) {
    out.type = address::kind::unix_socket;
    out.path = text.substr(5);
    if (out.path.empty()) return bad_address(text);
    return out;
  }
  const auto colon = text.rfind(':');
  if (colon == text.npos) return bad_address(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.find(':') == host.npos) return bad_address(text);
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]") != host.npos) {
    return bad_address(text);
  }
  for (const char c : host)
    if (c <= ' ' || c == '/' || c == 0x7f) return bad_address(text);
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (host.empty() || port.empty() || ec != std::errc() || end != port.data() + port.size())
    return bad_address(text);
  out.host = host;
  return out;
}

} // namespace kith::net
