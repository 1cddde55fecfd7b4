// What the tests of this room share: bytes from hexadecimal.
#pragma once

#include "runtime/base/bytes.hpp"

#include <stdexcept>

namespace kith::crypto::test {

inline bytes unhex(std::string_view text) {
  auto b = from_hex(text);
  if (!b) throw std::invalid_argument("bad hexadecimal in a test");
  return *std::move(b);
}

template <std::size_t N> byte_array<N> unhex_array(std::string_view text) {
  auto b = unhex(text);
  if (b.size() != N) throw std::invalid_argument("a test vector of another size");
  byte_array<N> out;
  std::memcpy(out.data(), b.data(), N);
  return out;
}

} // namespace kith::crypto::test
