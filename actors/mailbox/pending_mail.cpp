#include "actors/mailbox/pending_mail.hpp"

#include <algorithm>

namespace kith {

using store::table;

result<void> pending_mail::restore(store::backend& disk) {
  KITH_ASSIGN(auto stored, disk.get(table::state, keys::pending_state(self_)));
  if (!stored) return {};
  KITH_ASSIGN(state_, records::decode<records::pending_state>(*stored));
  return {};
}

sequence pending_mail::append(const envelope& e, store::write_batch& batch) {
  auto position = state_.next++;
  state_.bytes += e.size();
  dirty_ = true;
  batch.put(table::queue, keys::pending(self_, position), e.raw());
  return position;
}

result<void> pending_mail::ack(sequence upto, store::backend& disk, store::write_batch& batch) {
  if (upto >= state_.next)
    return fail(errc::invalid, "ack_ahead",
                "nothing has come at position " + std::to_string(upto) + " yet");
  if (upto <= state_.acked) return {};
  auto from = keys::pending(self_, state_.acked + 1), end = keys::pending(self_, upto + 1);
  std::uint64_t size = 0;
  for (auto at = from; size < state_.bytes;) {
    KITH_ASSIGN(auto found, disk.scan(table::queue, at, end, {}));
    if (found.empty()) break;
    for (const auto& e : found) size += e.value.size();
    at = found.back().key;
    at.push_back(0);
  }
  batch.erase_range(table::queue, from, end);
  state_.acked = upto;
  state_.bytes = count() == 0 ? 0 : state_.bytes - std::min(state_.bytes, size);
  dirty_ = true;
  return {};
}

void pending_mail::settle(store::write_batch& batch) {
  if (std::exchange(dirty_, false))
    batch.put(table::state, keys::pending_state(self_), records::encode(state_));
}

} // namespace kith
