// Finds a handler that writes a cell as it read it before an await, over what another turn wrote
// (semantics.md 15). By values, so that it holds for one that was run again after a restart, too.
#include "actors/agent/core.hpp"

#include <kith/durable.hpp>

namespace kith::detail {

void task_run::remember(agent_core& core) {
  for (const auto* c : core.seen) known_[c->name()] = core.stored_form(*c);
  for (const auto* c : core.dirty)
    if (auto found = known_.find(c->name()); found != known_.end())
      found->second = core.stored_form(*c);
}

void task_run::writing(agent_core& core, const cell& c) const {
  if (recorded_ != nullptr || known_.empty()) return;
  auto found = known_.find(c.name());
  if (found != known_.end() && found->second != core.stored_form(c))
    core.host.stale_write(c.name(), kept_.message.kind());
}

} // namespace kith::detail
