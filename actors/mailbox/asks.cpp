#include "actors/mailbox/asks.hpp"

#include "actors/mailbox/wall_time.hpp"

#include <algorithm>

namespace kith {

void asks::restore(records::ask_record record, wall_ms wall, time_point now) {
  auto id = record.request;
  auto at = monotonic(record.deadline, wall, now);
  deadlines_.emplace(at, id);
  asks_.insert_or_assign(id, timed{{std::move(record), {}}, at});
}

void asks::add(pending_ask ask, wall_ms wall, time_point now, store::write_batch& batch) {
  if (!ask.waiter)
    batch.put(store::table::state, keys::ask(self_, ask.record.request),
              records::encode(ask.record));
  auto id = ask.record.request;
  auto at = monotonic(ask.record.deadline, wall, now);
  deadlines_.emplace(at, id);
  asks_.insert_or_assign(id, timed{std::move(ask), at});
}

const pending_ask* asks::find(const uuid& request) const {
  auto it = asks_.find(request);
  return it == asks_.end() ? nullptr : &it->second.ask;
}

void asks::forget_deadline(const uuid& request, time_point at) {
  auto [from, to] = deadlines_.equal_range(at);
  auto it = std::find_if(from, to, [&](const auto& d) { return d.second == request; });
  if (it != to) deadlines_.erase(it);
}

void asks::remove(const uuid& request, store::write_batch& batch) {
  auto it = asks_.find(request);
  if (it == asks_.end()) return;
  if (!it->second.ask.waiter) batch.erase(store::table::state, keys::ask(self_, request));
  forget_deadline(request, it->second.deadline);
  asks_.erase(it);
}

std::optional<uuid> asks::overdue(time_point now) const {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
  return deadlines_.begin()->second;
}

std::optional<time_point> asks::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

void asks::postpone(const uuid& request, time_point until) {
  auto it = asks_.find(request);
  if (it == asks_.end()) return;
  forget_deadline(request, it->second.deadline);
  it->second.deadline = until;
  deadlines_.emplace(until, request);
}

} // namespace kith
