// What the tests of this room share: a sink that keeps everything, and cutting bytes into pieces
// from a seed.
#pragma once

#include "protocols/libp2p/byte_sink.hpp"
#include "runtime/base/random.hpp"

#include <algorithm>

namespace kith::libp2p::test {

class plain_sink final : public byte_sink {
public:
  void append(byte_view b) override { kith::append(data, b); }
  std::size_t size() const override { return data.size(); }
  bytes take() { return std::exchange(data, {}); }

  bytes data;
};

// Calls `f` with pieces of 1 to `piece_max` bytes.
template <class F> void in_pieces(byte_view b, std::size_t piece_max, random_source& random, F f) {
  while (!b.empty()) {
    auto n = std::min<std::size_t>(b.size(), 1 + random.below(piece_max));
    f(b.first(n));
    b = b.subspan(n);
  }
}

inline bytes numbered(std::size_t size) {
  bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = std::uint8_t(i * 7 + i / 251);
  return out;
}

} // namespace kith::libp2p::test
