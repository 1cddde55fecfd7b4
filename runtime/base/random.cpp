#include "runtime/base/random.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/random.h>

namespace kith {

std::uint64_t random_source::next() {
  std::uint64_t v = 0;
  fill({reinterpret_cast<std::uint8_t*>(&v), sizeof v});
  return v;
}

void system_random::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    auto n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      std::abort(); // a key made of anything else would be worse
    }
    out = out.subspan(std::size_t(n));
  }
}

void seeded_random::fill(std::span<std::uint8_t> out) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 8 == 0) {
      word = (state_ += 0x9e3779b97f4a7c15ULL);
      word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
      word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
      word ^= word >> 31;
    }
    out[i] = std::uint8_t(word >> (8 * (i % 8)));
  }
}

} // namespace kith
