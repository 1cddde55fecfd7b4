// Shared libraries with agent types and scenarios.
#pragma once

#include "runtime/base/result.hpp"

namespace kith {

// Its types and scenarios register themselves while it is loaded, with the tables in this program:
// the library has none of its own, for the program's symbols come first. Never unloaded. Invalid
// "bad_library": it cannot be loaded, or has nothing of ours in it.
result<void> load_library(const std::string& path);

} // namespace kith
