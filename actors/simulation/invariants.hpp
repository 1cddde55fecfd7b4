// What must hold of the disks of a cluster whatever its agents do, written once for every
// simulation. Of nodes that are up; each decodes every record that it looks at.
#pragma once

#include "runtime/store/store.hpp"
#include "runtime/stream/stream_id.hpp"

#include <span>
#include <string>
#include <vector>

namespace kith::simulation {

// At any time: no recipient has more of a stream than its sender has made durable, or another
// history of it; none is quarantined; nothing was consumed that did not come. A sentence each.
//
// A restore from backup weakens one of these alone (docs/adr/0019): of a stream of an incarnation
// that its sender has no more, the recipient may have more, which the sender forgot. What a
// restored recipient forgot is skipped until nothing was acknowledged that has not come, and each
// such range is on its disk (lost_ranges). While that goes on, less was got than was acknowledged.
std::vector<std::string> broken_invariants(std::span<store::backend* const> disks);

// Positions that restores lost on the way from one agent to another, as its disk reports them.
struct lost_sums {
  std::size_t ranges = 0;
  sequence positions = 0;
};
lost_sums lost_ranges(std::span<store::backend* const> disks, const did& from, const did& to);

// What is not done yet: envelopes that their recipient's node has not, or has not consumed,
// handlers that wait, and asks without an answer. In the end there must be none.
std::vector<std::string> unfinished(std::span<store::backend* const> disks);

std::size_t dead_letters(std::span<store::backend* const> disks);

} // namespace kith::simulation
