#include "actors/edge/rate_limit.hpp"

#include <algorithm>

namespace kith::edge {

duration rate_limiter::take(const std::string& key, time_point now) {
  auto it = buckets_.find(key);
  if (it == buckets_.end()) {
    if (buckets_.size() >= keys_max) {
      buckets_.erase(buckets_.find(*order_.back()));
      order_.pop_back();
    }
    it = buckets_.emplace(key, bucket{allowed_.burst, now, {}}).first;
    order_.push_front(&it->first);
    it->second.place = order_.begin();
  }
  auto& b = it->second;
  order_.splice(order_.begin(), order_, b.place);
  auto passed = std::chrono::duration<double>(std::max(now - b.at, duration(0))).count();
  b.tokens = std::min(allowed_.burst, b.tokens + passed * allowed_.per_second);
  b.at = std::max(b.at, now);
  if (b.tokens >= 1) {
    b.tokens -= 1;
    return duration(0);
  }
  auto wait = std::chrono::duration<double>((1 - b.tokens) / allowed_.per_second);
  return std::max(duration(1), std::chrono::duration_cast<duration>(wait));
}

} // namespace kith::edge
