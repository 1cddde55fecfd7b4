// The special-purpose addresses, as a table of prefixes.
#include "runtime/net/address_guard.hpp"

namespace kith::net {
namespace {

struct prefix_v4 {
  byte_array<4> start;
  unsigned bits;
  std::string_view name;
};

struct prefix_v6 {
  byte_array<16> start;
  unsigned bits;
  std::string_view name;
};

// https://www.iana.org/assignments/iana-ipv4-special-registry. The few globally reachable addresses
// within these blocks (192.0.0.9 and .10) serve nothing that is fetched, and are refused with them.
constexpr prefix_v4 special_v4[] = {
    {{0, 0, 0, 0}, 8, "unspecified"},        {{10, 0, 0, 0}, 8, "private"},
    {{100, 64, 0, 0}, 10, "shared"},         {{127, 0, 0, 0}, 8, "loopback"},
    {{169, 254, 0, 0}, 16, "link-local"},    {{172, 16, 0, 0}, 12, "private"},
    {{192, 0, 0, 0}, 24, "reserved"},        {{192, 0, 2, 0}, 24, "documentation"},
    {{192, 88, 99, 0}, 24, "reserved"},      {{192, 168, 0, 0}, 16, "private"},
    {{198, 18, 0, 0}, 15, "benchmarking"},   {{198, 51, 100, 0}, 24, "documentation"},
    {{203, 0, 113, 0}, 24, "documentation"}, {{224, 0, 0, 0}, 4, "multicast"},
    {{240, 0, 0, 0}, 4, "reserved"},
};

// https://www.iana.org/assignments/iana-ipv6-special-registry. Names only: whatever is outside of
// 2000::/3 is refused in any case.
constexpr prefix_v6 special_v6[] = {
    {{}, 128, "unspecified"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    {{0xfc}, 7, "unique local"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xff}, 8, "multicast"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x3f, 0xff}, 20, "documentation"},
    {{0x20, 0x01}, 23, "protocol assignment"}, // Teredo too
};

constexpr byte_array<16> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr byte_array<16> nat64{0, 0x64, 0xff, 0x9b};
constexpr byte_array<16> six_to_four{0x20, 0x02};
constexpr byte_array<16> global_unicast{0x20};

bool starts_with(byte_view octets, byte_view prefix, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!equal(octets.first(whole), prefix.first(whole))) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((octets[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

std::string_view special_purpose_v4(byte_view octets) {
  for (const prefix_v4& p : special_v4)
    if (starts_with(octets, p.start, p.bits)) return p.name;
  return {};
}

} // namespace

std::string_view special_purpose(const ip_address& a) {
  const byte_view octets = a.octets();
  if (a.is_v4()) return special_purpose_v4(octets);
  if (starts_with(octets, mapped, 96) || starts_with(octets, nat64, 96))
    return special_purpose_v4(octets.last(4));
  if (starts_with(octets, six_to_four, 16)) return special_purpose_v4(octets.subspan(2, 4));
  for (const prefix_v6& p : special_v6)
    if (starts_with(octets, p.start, p.bits)) return p.name;
  return starts_with(octets, global_unicast, 3) ? std::string_view() : "reserved";
}

address_filter public_addresses_only() {
  return [](const ip_address& a) { return is_public(a); };
}

} // namespace kith::net
