// What commands there are: one table, from which the command line is taken apart and its help is
// written.
#pragma once

#include "tools/kith/options.hpp"

#include <span>

namespace CLI {
class App;
}

namespace kith::cli {

struct command_spec {
  const char* family; // "dlq" of `dlq ls`; empty: a command by itself
  const char* name;
  const char* group; // the heading it stands under in `kith --help`; of a family's, unused
  const char* about;
  const char* examples;
  void (*define)(CLI::App&, options&);
};
struct command_family {
  const char* name;
  const char* group;
  const char* about;
};

std::span<const command_spec> command_specs();
std::span<const command_family> command_families();

} // namespace kith::cli
