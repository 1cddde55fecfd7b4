// How a program makes its agents' classes known, and its main function.
#pragma once

#include <functional>
#include <kith/agent.hpp>

namespace kith {

namespace detail {
void set_exclusive(agent_core& core);

// `static constexpr bool exclusive = true` in the class: while a handler of it awaits something, no
// other message is handled.
template <class Agent> std::unique_ptr<agent> make_agent(agent_core& core) {
  if constexpr (requires { requires Agent::exclusive; }) set_exclusive(core);
  return std::make_unique<Agent>(core);
}

// `static constexpr bool stays_awake = true` in the class: its agents are kept in memory though
// they have nothing to do, and with them their plain members (setting actors.sleep_after_ms).
template <class Agent> constexpr bool stays_awake() {
  return requires { requires Agent::stays_awake; };
}
} // namespace detail

// Adds to the process's table of agent types (actors/agent/registry.hpp), before main begins.
class agent_registration {
public:
  using factory = std::function<std::unique_ptr<agent>(agent_core&)>;
  agent_registration(std::string_view name, factory make, bool blocks = false,
                     bool stays_awake = false);
};

// The whole command line of the `kith` program, with this program's agent types in it. The exit
// code.
int main(int argc, char** argv);

} // namespace kith

// Makes an agent's class known by its name, or by another one. At namespace scope, in one source
// file.
#define KITH_AGENT(type) KITH_AGENT_AS(type, #type)
#define KITH_AGENT_AS(type, name)                                                                  \
  static const ::kith::agent_registration KITH_CONCAT(kith_agent_registration_, __COUNTER__)(      \
      name, &::kith::detail::make_agent<type>, false, ::kith::detail::stays_awake<type>())
// The same for a class whose handlers wait (for a file, a database, a device): each of its agents
// has a thread of its own. As many as there may be threads.
#define KITH_BLOCKING_AGENT(type)                                                                  \
  static const ::kith::agent_registration KITH_CONCAT(kith_agent_registration_, __COUNTER__)(      \
      #type, &::kith::detail::make_agent<type>, true, ::kith::detail::stays_awake<type>())
