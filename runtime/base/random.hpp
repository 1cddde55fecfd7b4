// Chance, as it is handed to everything that needs it: keys, ids, jitter. A test hands out a seeded
// source and so repeats itself exactly.
#pragma once

#include <cstdint>
#include <span>

namespace kith {

// Thread-safe unless said otherwise.
class random_source {
public:
  virtual ~random_source() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
  std::uint64_t next();
  // Uniform enough for jitter and choices: in [0, bound); 0 for a bound of 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
};

// getrandom(2): fit for keys. Aborts the process if the kernel has no randomness to give.
class system_random final : public random_source {
public:
  void fill(std::span<std::uint8_t> out) override;
};

// SplitMix64: for tests and simulation only, never for keys that matter. Not thread-safe.
class seeded_random final : public random_source {
public:
  explicit seeded_random(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

private:
  std::uint64_t state_;
};

} // namespace kith
