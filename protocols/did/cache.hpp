// Resolutions kept for a while: the least recently used goes first when a bound is reached. Time is
// an argument.
#pragma once

#include "protocols/did/resolution.hpp"

#include <list>
#include <unordered_map>

namespace kith::dids {

// Not thread-safe.
class resolution_cache {
public:
  // Past either bound the least recently used go; one that alone is past `bytes_max` is not kept.
  resolution_cache(std::size_t count_max, std::size_t bytes_max)
      : count_max_(count_max), bytes_max_(bytes_max) {}

  // Null if there is none, or it is older than it may be.
  resolution_ptr find(const did& subject, time_point now);
  void put(const did& subject, resolution_ptr r, time_point until);
  void erase(const did& subject);

  std::size_t count() const { return index_.size(); }
  // An estimate of the memory held.
  std::size_t bytes() const { return bytes_; }

private:
  struct entry {
    did subject;
    resolution_ptr value;
    time_point until;
    std::size_t size;
  };
  using place = std::list<entry>::iterator;
  void erase(place at);

  std::size_t count_max_, bytes_max_, bytes_ = 0;
  std::list<entry> entries_; // the most recently used first
  std::unordered_map<did, place> index_;
};

} // namespace kith::dids
