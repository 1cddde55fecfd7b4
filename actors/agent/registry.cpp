// The table of agent types.
#include "actors/agent/registry.hpp"

#include <map>

namespace kith {
namespace {

struct table_of_types {
  std::map<std::string, agent_registration::factory, std::less<>> types;
  std::string
      problem; // the first one; reported by check(), because nothing can be reported before main
};

// Made by its first use: registrations of other source files may run before this file's own
// initialisation.
table_of_types& table() {
  static table_of_types t;
  return t;
}

} // namespace

agent_registration::agent_registration(std::string_view name, factory make) {
  auto& t = table();
  if (name.empty() || name.size() > agent_types::name_size_max) {
    if (t.problem.empty())
      t.problem = "an agent type needs a name of 1 to 128 bytes: '" + std::string(name) + "'";
  } else if (!t.types.emplace(std::string(name), make).second && t.problem.empty()) {
    t.problem = "two agent types are registered as '" + std::string(name) +
                "': give one of them another name with KITH_AGENT_AS";
  }
}

result<void> agent_types::check() {
  if (!table().problem.empty()) return fail(errc::invalid, "agent_type", table().problem);
  return {};
}

agent_registration::factory agent_types::find(std::string_view name) {
  const auto& types = table().types;
  auto found = types.find(name);
  return found == types.end() ? nullptr : found->second;
}

std::vector<std::string> agent_types::names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : table().types) names.push_back(name);
  return names;
}

} // namespace kith
