// A list in order of use, and an index into it.
#include "protocols/did/cache.hpp"

namespace kith::dids {
namespace {

// The text, the same as a value (about twice that), and what both are kept in.
std::size_t size_of(const did& subject, const resolution& r) {
  constexpr std::size_t overhead = 1024;
  return overhead + 2 * subject.text().size() + 3 * r.text.size() + r.detail.size();
}

} // namespace

resolution_ptr resolution_cache::find(const did& subject, time_point now) {
  auto found = index_.find(subject);
  if (found == index_.end()) return nullptr;
  auto at = found->second;
  if (now >= at->until) return erase(at), nullptr;
  entries_.splice(entries_.begin(), entries_, at);
  return at->value;
}

void resolution_cache::put(const did& subject, resolution_ptr r, time_point until) {
  erase(subject);
  auto size = size_of(subject, *r);
  if (size > bytes_max_ || count_max_ == 0) return;
  while (index_.size() >= count_max_ || bytes_ + size > bytes_max_)
    erase(std::prev(entries_.end()));
  entries_.push_front({subject, std::move(r), until, size});
  index_.emplace(subject, entries_.begin());
  bytes_ += size;
}

void resolution_cache::erase(const did& subject) {
  if (auto found = index_.find(subject); found != index_.end()) erase(found->second);
}

void resolution_cache::erase(place at) {
  bytes_ -= at->size;
  index_.erase(at->subject);
  entries_.erase(at);
}

} // namespace kith::dids
