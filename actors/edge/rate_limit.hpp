// How often somebody may come: a token bucket for each key, an address or a DID.
#pragma once

#include "runtime/base/clock.hpp"

#include <list>
#include <string>
#include <unordered_map>

namespace kith::edge {

struct rate {
  double per_second = 100;
  double burst = 200; // at once, after a rest
};

// Not thread-safe. The time is an argument.
class rate_limiter {
public:
  // Keys remembered; past it the one that came least recently is forgotten, and begins anew.
  static constexpr std::size_t keys_max = 65'536;

  explicit rate_limiter(rate allowed) : allowed_(allowed) {}

  // Zero: it may come. Else how long until it may.
  duration take(const std::string& key, time_point now);
  std::size_t size() const { return buckets_.size(); }

private:
  struct bucket {
    double tokens;
    time_point at;
    std::list<const std::string*>::iterator place;
  };
  rate allowed_;
  std::unordered_map<std::string, bucket> buckets_;
  std::list<const std::string*> order_; // the most recent first
};

} // namespace kith::edge
