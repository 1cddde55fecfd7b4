// An IP address as the bytes that go on the wire. What a dial is about to reach is judged in this
// form only: text has too many ways to write one address.
#pragma once

#include "runtime/base/bytes.hpp"

#include <optional>

namespace kith::net {

class ip_address {
public:
  static constexpr ip_address v4(byte_array<4> b) {
    ip_address out;
    for (std::size_t i = 0; i < 4; ++i) out.octets_[i] = b[i];
    out.size_ = 4;
    return out;
  }
  static constexpr ip_address v6(const byte_array<16>& b) {
    ip_address out;
    out.octets_ = b;
    return out;
  }
  // "192.0.2.1" or "2001:db8::1" (RFC 4291 section 2.2), without brackets, zone or port. Strict:
  // four decimal numbers without leading zeros. Nothing for everything else.
  static std::optional<ip_address> parse(std::string_view text);

  bool is_v4() const { return size_ == 4; }
  byte_view octets() const { return {octets_.data(), size_}; }
  std::string text() const;
  bool operator==(const ip_address&) const = default;

private:
  constexpr ip_address() = default;
  byte_array<16> octets_{};
  std::uint8_t size_ = 16;
};

} // namespace kith::net
