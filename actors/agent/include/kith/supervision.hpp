// What a program says about how its agents are supervised: supervisors, declared by name, and how
// a child that ended is treated (docs/how-to/supervise.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kith {

// Whom a supervisor starts again when a child of its has crashed.
enum class strategy : std::uint8_t {
  one_for_one, // that child
  one_for_all, // all its children, after it has stopped those that still ran
  rest_for_one // that child and those that were started after it
};

// When a child that ended is started again. Stored: never renumber.
enum class restart : std::uint8_t {
  permanent = 0, // always, also if it ended in order
  transient = 1, // if it crashed
  temporary = 2  // never; its end touches no sibling
};

// How an agent is spawned.
struct spawn_options {
  std::string_view name{};
  std::string_view under{}; // a supervisor of the program's; empty: the node
  enum restart restart = restart::transient;
};

// What a supervisor may be given beside its name and its strategy. All crashes of its children
// count together; with more than `intensity` within the period it stops them and is itself a
// crashed child of what it is under.
struct supervision {
  std::string_view under{};                 // another supervisor; empty: the node
  std::optional<std::uint32_t> intensity{}; // empty: supervisor.intensity
  std::uint32_t period_ms = 0;              // 0: supervisor.period_ms
  std::uint32_t shutdown_ms = 5000;         // for each child to end when it is told to
};

// Adds to the process's table of supervisors (actors/agent/registry.hpp), before main begins.
class supervisor_registration {
public:
  supervisor_registration(std::string_view name, strategy how, const supervision& what);
};

} // namespace kith

// Declares a supervisor, which exists on every node of this program; agents are spawned under it by
// name. At namespace scope, in one source file:
//
//   KITH_SUPERVISOR("shop", rest_for_one, .intensity = 3);
//   KITH_SUPERVISOR("tills", one_for_one, .under = "shop");
#define KITH_SUPERVISOR(name, how, ...)                                                            \
  static const ::kith::supervisor_registration KITH_CONCAT(kith_supervisor_, __COUNTER__)(         \
      name, ::kith::strategy::how, ::kith::supervision{__VA_ARGS__})
