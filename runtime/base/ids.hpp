// Identifiers made here: UUIDv7 (RFC 9562 section 5.7) for messages, and the random 64-bit numbers of incarnations.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/base/random.hpp"

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
  wall_ms created() const;
  // Any version; malformed: "bad_uuid".
  static result<uuid> parse(std::string_view text);
  // Exactly 16 bytes; malformed: "bad_uuid".
  static result<uuid> from_bytes(byte_view b);
};

// Makes UUIDv7s that rise strictly, also within a millisecond and when the clock steps back. Not thread-safe: one a
// maker.
class uuid_generator {
public:
  uuid next(wall_ms now, random_source& random);

private:
  wall_ms last_ms_ = 0;
  std::uint32_t counter_ = 0; // 26 bits: rand_a and the top of rand_b (RFC 9562 section 6.2, method 1)
};

// Names one life of a sending agent's streams (semantics.md 1). Random, never 0.
using incarnation = std::uint64_t;
incarnation make_incarnation(random_source& random);

} // namespace kith

template <>
struct std::hash<kith::uuid> {
  std::size_t operator()(const kith::uuid& u) const noexcept {
    std::uint64_t h;
    std::memcpy(&h, u.octets.data() + 8, 8); // the random half
    return std::size_t(h);
  }
};
