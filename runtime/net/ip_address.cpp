// The text of IP addresses, by the system's own strict functions.
#include "runtime/net/ip_address.hpp"

#include <arpa/inet.h>

namespace kith::net {

std::optional<ip_address> ip_address::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != text.npos) return {};
  const std::string terminated(text);
  byte_array<16> octets{};
  if (::inet_pton(AF_INET, terminated.c_str(), octets.data()) == 1)
    return v4({octets[0], octets[1], octets[2], octets[3]});
  if (::inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1) return v6(octets);
  return {};
}

std::string ip_address::text() const {
  char out[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, octets_.data(), out, sizeof out);
  return out;
}

} // namespace kith::net
