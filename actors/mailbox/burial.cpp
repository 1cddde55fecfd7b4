#include "actors/mailbox/burial.hpp"

#include "runtime/stream/records.hpp"

#include <unordered_set>

namespace kith {

using store::table;

result<void> end_for_good(store::backend& disk, const did& agent, store::write_batch& batch) {
  const auto self = keys::of(agent);
  KITH_ASSIGN(const auto stored, disk.get(table::state, keys::agent(self)));
  if (!stored) return {};
  KITH_ASSIGN(auto r, records::decode<records::agent_record>(*stored));
  r.stopped = true;
  batch.put(table::state, keys::agent(self), records::encode(r));
  const auto timers = keys::prefix(keys::timer(self, {}), keys::agent_prefix_size);
  batch.erase_range(table::state, timers, keys::end_of(timers));
  batch.require_epoch(agent, r.epoch);
  return {};
}

result<purged> purge_dead(store::backend& disk, const handlers& table, const did& agent,
                          const std::vector<uuid>& messages,
                          const std::function<bool(const handler_id&)>& alive,
                          store::write_batch& batch) {
  std::unordered_set<uuid> letters;
  for (const auto& id : messages) {
    KITH_ASSIGN(const auto stored, disk.get(store::table::ledger, keys::dead(id)));
    if (!stored) continue;
    KITH_ASSIGN(const auto letter, records::decode<records::dead_letter>(*stored));
    if (letter.agent == agent) letters.insert(id);
  }
  purged out;
  if (letters.empty()) return out;
  KITH_TRY(table.each_dead(disk, [&](const uuid& message, const records::handler_start& start) {
    if (letters.contains(message) && !alive(start.origin)) out.handlers.push_back(start.origin);
  }));
  for (const auto& id : out.handlers) table.erase_dead(id, batch);
  for (const auto& id : messages) {
    if (letters.erase(id) == 0) continue; // not one, or named twice
    batch.erase(store::table::ledger, keys::dead(id));
    out.letters.push_back(id);
  }
  return out;
}

} // namespace kith
