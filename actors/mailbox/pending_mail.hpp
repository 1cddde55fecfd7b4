// What has come for a DID that lives outside of any node, until its owner has taken it: a log with
// positions of its own, across all streams, so that a follower can say how far it is and miss
// nothing. Pure: it writes into the batch it is given.
#pragma once

#include "actors/mailbox/keys.hpp"
#include "actors/mailbox/limits.hpp"
#include "runtime/store/store.hpp"
#include "runtime/stream/records.hpp"

namespace kith {

class pending_mail {
public:
  pending_mail(const mailbox_limits& limits, keys::agent_key self) : limits_(limits), self_(self) {}
  result<void> restore(store::backend& disk);

  // At the limit no more is taken, so that senders get no credit. One envelope may pass the bytes.
  bool has_room() const {
    return count() < limits_.pending_count_max && state_.bytes < limits_.pending_bytes_max;
  }
  // Its position.
  sequence append(const envelope& e, store::write_batch& batch);
  // The owner has everything up to `upto`; what it had said before changes nothing. invalid
  // "ack_ahead": nothing has that position yet.
  result<void> ack(sequence upto, store::backend& disk, store::write_batch& batch);
  // The record, if anything changed since the last call.
  void settle(store::write_batch& batch);

  sequence newest() const { return state_.next - 1; }
  sequence acked() const { return state_.acked; }
  std::size_t count() const { return std::size_t(state_.next - 1 - state_.acked); }

private:
  const mailbox_limits& limits_;
  keys::agent_key self_;
  records::pending_state state_;
  bool dirty_ = false;
};

} // namespace kith
