// A fuzz input that is read as choices: what a structure-aware target does next.
#pragma once

#include "runtime/base/bytes.hpp"

#include <algorithm>

namespace kith::fuzz {

// At its end every choice is 0.
class input {
public:
  input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto b = rest_.front();
    rest_ = rest_.subspan(1);
    return b;
  }
  // Which of `count`: of 0 the first too.
  std::size_t below(std::size_t count) {
    const std::size_t n = count <= 256 ? byte() : std::size_t(byte()) << 8 | byte();
    return count == 0 ? 0 : n % count;
  }
  byte_view take(std::size_t count) {
    const auto b = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(b.size());
    return b;
  }

private:
  byte_view rest_;
};

} // namespace kith::fuzz
