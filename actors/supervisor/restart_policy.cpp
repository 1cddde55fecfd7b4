#include "actors/supervisor/restart_policy.hpp"

#include <algorithm>

namespace kith {

std::optional<duration> restart_policy::crashed(time_point now, random_source& random) {
  while (!crashes_.empty() && now - crashes_.front() > limits_.period) crashes_.pop_front();
  crashes_.push_back(now);
  if (crashes_.size() > limits_.intensity_max) return std::nullopt;
  ++restarts_;
  auto doublings = std::min<std::size_t>(crashes_.size() - 1, 20);
  auto delay = std::min(limits_.delay * (std::int64_t(1) << doublings), limits_.delay_max);
  auto jitter = random.below(std::uint64_t(delay.count() / 2 + 1));
  return delay / 2 + duration(std::int64_t(jitter));
}

} // namespace kith
