// The command line joined with the node: what kith::main is made of, for programs that add
// commands.
#pragma once

#include "tools/kith/cli.hpp"

namespace kith {

// As kith::main, with more commands. `arguments` as main gets them.
int main_with(int argc, char** argv, std::vector<cli::command> commands);

} // namespace kith
