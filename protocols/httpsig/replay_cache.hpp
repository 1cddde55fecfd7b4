// Remembers which signed requests were taken, so that a copy of one does nothing. Bounded, and
// pure: the time is an argument.
#pragma once

#include "protocols/httpsig/verify.hpp"

#include <unordered_set>

namespace kith::httpsig {

struct replay_options {
  // Requests remembered at once, each some 80 bytes. At the limit every further request is refused
  // until older ones expire: to forget one would let its copy in.
  std::size_t count_max = 1 << 18;
  // Seconds that a request may be acceptable for, from when it comes: at least created_age_max + 2
  // * clock_skew_max of the policy. One that is acceptable for longer is refused as if there were
  // no room. A slot of 24 bytes each.
  unix_seconds window_max = 600;
};

// Not thread-safe. All operations take constant time, amortised over the requests remembered.
class replay_cache {
public:
  enum class answer : unsigned char { fresh, replayed, late, full };

  // The source keys the table, so that a stranger cannot make requests that fall on one place of
  // it.
  replay_cache(replay_options options, random_source& random);

  // fresh: `id` was not seen, and is remembered until after `until`, when a verifier no longer
  // accepts it. replayed: it is remembered. late: `until` is past, so it may have been forgotten.
  // full: it cannot be remembered. Time never goes back here, or what was forgotten would be fresh
  // again: a `now` before an earlier one counts as that one, so after a clock was set back requests
  // are late until it has caught up.
  answer add(const byte_array<32>& id, unix_seconds until, unix_seconds now);

  std::size_t size() const { return known_.size(); }

private:
  using key = byte_array<16>;
  struct key_hash {
    std::size_t operator()(const key& k) const noexcept;
  };
  void expire(unix_seconds now);
  std::vector<key>& slot_of(unix_seconds until);

  replay_options options_;
  byte_array<16> secret_;
  std::unordered_set<key, key_hash> known_;
  std::vector<std::vector<key>> slots_; // one a second of the window: what ends in that second
  unix_seconds now_ = 0;
  bool started_ = false;
};

// Takes a verified request once. unauthenticated "replayed", "signature_expired" (late); overloaded
// "replay_cache_full".
result<> check_replay(replay_cache& cache, const verified_request& request, unix_seconds now);

} // namespace kith::httpsig
