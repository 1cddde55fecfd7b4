// The process's table of agent types, filled by KITH_AGENT before main begins: the one global that
// the architecture allows. It changes no more once a node has started.
#pragma once

#include <kith/registration.hpp>
#include <string>
#include <vector>

namespace kith {

class agent_types {
public:
  static constexpr std::size_t name_size_max = 128;

  // Call before starting a node and before any thread: from then on the table is only read. invalid
  // "agent_type" for a name that two types share, or that is empty or too long.
  static result<void> check();
  // nullptr if there is none. Thread-safe once main has begun.
  static agent_registration::factory find(std::string_view name);
  // Sorted.
  static std::vector<std::string> names();
};

} // namespace kith
