// A hash table, and a wheel of seconds by which its entries leave it.
#include "protocols/httpsig/replay_cache.hpp"

#include "runtime/crypto/hash.hpp"

#include <algorithm>
#include <cassert>

namespace kith::httpsig {

std::size_t replay_cache::key_hash::operator()(const key& k) const noexcept {
  std::size_t out;
  std::memcpy(&out, k.data(), sizeof out); // a keyed digest: any part of it is a hash
  return out;
}

replay_cache::replay_cache(replay_options options, random_source& random)
    : options_(options), slots_(std::size_t(options.window_max + 1)) {
  assert(options.window_max >= 0);
  random.fill(secret_);
}

std::vector<replay_cache::key>& replay_cache::slot_of(unix_seconds until) {
  return slots_[std::size_t(until) % slots_.size()];
}

// What ended in a second before `now` goes. A second's slot holds only what ends in that second:
// nothing further ahead than the window is taken, and the slot is emptied before it comes round
// again.
void replay_cache::expire(unix_seconds now) {
  if (!started_) {
    started_ = true;
    now_ = now;
  }
  const auto last = std::min(now, now_ + unix_seconds(slots_.size()));
  for (auto second = now_; second < last; ++second) {
    auto& slot = slot_of(second);
    for (const auto& k : slot) known_.erase(k);
    slot = {}; // gives its memory back: a burst is not to be paid for ever
  }
  now_ = std::max(now_, now);
}

replay_cache::answer replay_cache::add(const byte_array<32>& id, unix_seconds until,
                                       unix_seconds now) {
  expire(std::max<unix_seconds>(now, 0));
  byte_array<48> keyed;
  std::copy(secret_.begin(), secret_.end(), keyed.begin());
  std::copy(id.begin(), id.end(), keyed.begin() + secret_.size());
  const auto k = crypto::blake2b_128(keyed);
  if (known_.contains(k)) return answer::replayed;
  if (until < now_) return answer::late;
  if (known_.size() >= options_.count_max || until - now_ > options_.window_max)
    return answer::full;
  known_.insert(k);
  slot_of(until).push_back(k);
  return answer::fresh;
}

result<> check_replay(replay_cache& cache, const verified_request& request, unix_seconds now) {
  switch (cache.add(request.replay_id(), request.acceptable_until(), now)) {
  case replay_cache::answer::fresh: return {};
  case replay_cache::answer::replayed:
    return fail(errc::unauthenticated, "replayed",
                "this very request was taken before: sign it anew, with another nonce");
  case replay_cache::answer::late:
    return fail(errc::unauthenticated, "signature_expired",
                "the signature's time is over by this node's latest clock");
  case replay_cache::answer::full: break;
  }
  return fail(errc::overloaded, "replay_cache_full",
              "too many signed requests at once: sign and send it again later");
}

} // namespace kith::httpsig
