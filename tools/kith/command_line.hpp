// Takes the command line apart and writes the help. CLI11 stays in command_line.cpp, which is slow
// to compile.
#pragma once

#include "tools/kith/cli.hpp"

#include <variant>

namespace kith::cli {

// All is said: help, or the version. Print `out` and end with exit_ok.
struct already_answered {
  std::string out;
};
using parsed = std::variant<options, already_answered>;

// `arguments` are without the program's name. Invalid "usage": one sentence, with the nearest
// command where one was misspelt.
result<parsed> parse_command_line(const std::vector<std::string>& arguments, const program& what,
                                  const console& io);

} // namespace kith::cli
