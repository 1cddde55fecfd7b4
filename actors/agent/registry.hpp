// The process's table of agent types, filled by KITH_AGENT before main begins: the one global that
// the architecture allows. It changes no more once a node has started.
#pragma once

#include <kith/registration.hpp>
#include <kith/supervision.hpp>
#include <map>
#include <string>
#include <vector>

namespace kith {

class agent_types {
public:
  static constexpr std::size_t name_size_max = 128;

  // Call before starting a node and before any thread: from then on the table is only read. invalid
  // "agent_type" for a name that two types share, or that is empty or too long; "supervisor" for
  // supervisors whose declarations do not make a tree.
  static result<void> check();
  // nullptr if there is none. Thread-safe once main has begun.
  static agent_registration::factory find(std::string_view name);
  // Whether its handlers may wait. Thread-safe as find().
  static bool blocks(std::string_view name);
  // Whether its agents are to stay in memory. Thread-safe as find().
  static bool stays_awake(std::string_view name);
  // Sorted.
  static std::vector<std::string> names();
};

// A type that is in the table for a while: of a simulation, whose nodes run in this thread alone
// and within its life. Its agents may know things of that run.
class passing_agent_type {
public:
  passing_agent_type(std::string_view name, agent_registration::factory make);
  ~passing_agent_type();
  passing_agent_type(const passing_agent_type&) = delete;

private:
  std::string name_;
};

// One that the program declared.
struct supervisor_type {
  enum strategy strategy = strategy::one_for_one;
  std::string under;
  std::optional<std::uint32_t> intensity;
  std::uint32_t period_ms = 0;
  std::uint32_t shutdown_ms = 0;
};

// Their table, as that of the types; agent_types::check() checks both.
class supervisor_types {
public:
  static constexpr std::size_t depth_max = 16;
  static constexpr std::size_t count_max = 1000;

  // nullptr if there is none. Thread-safe once main has begun.
  static const supervisor_type* find(std::string_view name);
  using table = std::map<std::string, supervisor_type, std::less<>>;
  static const table& all();
  // invalid "supervisor": they are no tree of at most depth_max, or too many.
  static result<void> check(const table& all);
};

// "permanent", "transient", "temporary".
std::string_view restart_name(enum restart r);
std::string_view strategy_name(enum strategy s);
std::optional<enum restart> parse_restart(std::string_view name);

} // namespace kith
