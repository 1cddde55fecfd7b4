// Which addresses are the public Internet. A fetch that others can steer must not reach this
// machine or its neighbours (server-side request forgery), so it dials what is public and nothing
// else.
#pragma once

#include "runtime/net/network.hpp"

namespace kith::net {

// Why `a` is not public: "loopback", "private", "link-local", "documentation" and the like. Empty
// for a globally reachable unicast address. By the IANA special-purpose registries (RFC 6890 and
// what they added since); of IPv6 only 2000::/3 can be public. An address that carries an IPv4 one
// (IPv4-mapped ::ffff:0:0/96, RFC 4291; 6to4 2002::/16, RFC 3056; NAT64 64:ff9b::/96, RFC 6052) is
// what that one is; Teredo and local NAT64 prefixes are never public.
std::string_view special_purpose(const ip_address& a);

inline bool is_public(const ip_address& a) { return special_purpose(a).empty(); }

// For connect_options::allow: public addresses only.
address_filter public_addresses_only();

} // namespace kith::net
