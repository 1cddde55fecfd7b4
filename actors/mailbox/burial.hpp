// What is erased of an agent for good, by an operator or because it does not come back. Pure: it
// reads the store, and writes into the batch it is given.
#pragma once

#include "actors/mailbox/handlers.hpp"

namespace kith {

// That a temporary agent crashed, or was stopped with its siblings, and is not started again: it
// leaves no timers behind. Nothing is written about one without a record. Errors: those of the
// store.
result<void> end_for_good(store::backend& disk, const did& agent, store::write_batch& batch);

struct purged {
  std::vector<uuid> letters;
  std::vector<handler_id> handlers; // dead, of these
};
// Erases those of `messages` that are dead letters of `agent`, and the records and journals of the
// handlers that died of them, but for those that are `alive` again. `table`: the agent's handlers.
result<purged> purge_dead(store::backend& disk, const handlers& table, const did& agent,
                          const std::vector<uuid>& messages,
                          const std::function<bool(const handler_id&)>& alive,
                          store::write_batch& batch);

} // namespace kith
