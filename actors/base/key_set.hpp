// A set of 16-byte digests in one piece of memory: a node of the heap for each would keep the page
// that it stands on, long after what stood around it is gone.
#pragma once

#include "runtime/base/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace kith {

// Keys are evenly spread (a hash made them) and not all zero, which stands for an empty place. Open
// addressing; at most three quarters full. Not thread-safe.
class key_set {
public:
  using key = byte_array<16>;

  bool contains(const key& k) const { return !places_.empty() && places_[find(k)] == k; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void insert(const key& k) {
    if (4 * (size_ + 1) > 3 * places_.size()) grow();
    auto& place = places_[find(k)];
    if (place == k) return;
    place = k;
    ++size_;
  }
  // False: it was not there.
  bool erase(const key& k) {
    if (places_.empty()) return false;
    auto hole = find(k);
    if (places_[hole] != k) return false;
    --size_;
    // What was pushed past the hole moves back, so that a search may stop at an empty place.
    for (auto i = next(hole); places_[i] != key{}; i = next(i)) {
      const auto home = home_of(places_[i]);
      const bool stays = hole <= i ? hole < home && home <= i : hole < home || home <= i;
      if (stays) continue;
      places_[hole] = places_[i];
      hole = i;
    }
    places_[hole] = {};
    return true;
  }
  void clear() {
    places_.clear();
    size_ = 0;
  }

private:
  static constexpr std::size_t places_min = 16;
  std::size_t home_of(const key& k) const {
    std::uint64_t first = 0;
    std::memcpy(&first, k.data(), sizeof(first));
    return first & (places_.size() - 1);
  }
  std::size_t next(std::size_t i) const { return (i + 1) & (places_.size() - 1); }
  // Where it is, or would be.
  std::size_t find(const key& k) const {
    auto i = home_of(k);
    while (places_[i] != key{} && places_[i] != k) i = next(i);
    return i;
  }
  void grow() {
    auto old = std::exchange(places_, std::vector<key>(std::max(places_min, 2 * places_.size())));
    for (const auto& k : old)
      if (k != key{}) places_[find(k)] = k;
  }

  std::vector<key> places_; // a power of two of them
  std::size_t size_ = 0;
};

} // namespace kith
