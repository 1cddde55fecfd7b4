// Identifiers made here: UUIDv7 (RFC 9562 section 5.7) for messages, and the random 64-bit numbers
// of incarnations.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/uuid.hpp"

namespace kith {

// Makes UUIDv7s that rise strictly, also within a millisecond and when the clock steps back. Not
// thread-safe: one a maker.
class uuid_generator {
public:
  uuid next(wall_ms now, random_source& random);

private:
  // The unpredictable tail of an id; drawn for many at once, since each draw may be a system call.
  void draw(std::uint8_t* out, std::size_t count, random_source& random);

  byte_array<192> pool_{};
  std::size_t pool_left_ = 0;
  wall_ms last_ms_ = 0;
  std::uint32_t counter_ =
      0; // 26 bits: rand_a and the top of rand_b (RFC 9562 section 6.2, method 1)
};

// Names one life of a sending agent's streams (semantics.md 1). Random, never 0.
using incarnation = std::uint64_t;
incarnation make_incarnation(random_source& random);

} // namespace kith
