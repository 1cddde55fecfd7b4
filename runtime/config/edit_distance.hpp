// How far apart two words are: for messages that name what was probably meant.
#pragma once

#include <cstddef>
#include <string_view>

namespace kith::config {

// Levenshtein's: how many characters must be put in, taken out or replaced. Costs a.size() times
// b.size(): bound what comes from outside.
std::size_t edit_distance(std::string_view a, std::string_view b);

} // namespace kith::config
