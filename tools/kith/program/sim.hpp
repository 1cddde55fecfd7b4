// `kith sim`: scenarios on simulated nodes, seed by seed, and what is to be known of one that
// breaks: what went wrong, the faults that matter, and how to see it again.
#pragma once

#include "tools/kith/cli.hpp"

namespace kith {

// The exit code: exit_failed if a seed broke, or a kind of fault never happened in a campaign.
result<int> simulate(const cli::console& io, const cli::options& given);

} // namespace kith
