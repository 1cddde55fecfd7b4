// A UUID (RFC 9562), apart from what makes them: this header is part of what an agent's author
// includes, and <chrono> alone would double the time that takes.
#pragma once

#include "runtime/base/bytes.hpp"

#include <compare>
#include <functional>

namespace kith {

struct uuid {
  byte_array<16> octets{};

  auto operator<=>(const uuid&) const = default;
  bool is_nil() const { return *this == uuid{}; }
  byte_view view() const { return octets; }
  // Lower case, 8-4-4-4-12.
  std::string text() const;
  // The milliseconds since the Unix epoch that a version 7 UUID begins with.
  std::int64_t created() const;
  // Any version; malformed: "bad_uuid".
  static result<uuid> parse(std::string_view text);
  // Exactly 16 bytes; malformed: "bad_uuid".
  static result<uuid> from_bytes(byte_view b);
};

} // namespace kith

template <> struct std::hash<kith::uuid> {
  std::size_t operator()(const kith::uuid& u) const noexcept {
    std::uint64_t h;
    std::memcpy(&h, u.octets.data() + 8, 8); // the random half
    return std::size_t(h);
  }
};
