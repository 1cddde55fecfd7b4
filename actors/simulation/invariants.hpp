// What must hold of the disks of a cluster whatever its agents do, written once for every
// simulation. Of nodes that are up; each decodes every record that it looks at.
#pragma once

#include "runtime/store/store.hpp"

#include <span>
#include <string>
#include <vector>

namespace kith::simulation {

// At any time: no recipient has more of a stream than its sender has made durable, or another
// history of it; none is quarantined; nothing was consumed that did not come. A sentence each.
std::vector<std::string> broken_invariants(std::span<store::backend* const> disks);

// What is not done yet: envelopes that their recipient's node has not, or has not consumed,
// handlers that wait, and asks without an answer. In the end there must be none.
std::vector<std::string> unfinished(std::span<store::backend* const> disks);

std::size_t dead_letters(std::span<store::backend* const> disks);

} // namespace kith::simulation
