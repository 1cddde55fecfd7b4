// The table of scenarios, filled by KITH_SCENARIO before main begins.
#include <kith/simulation.hpp>
#include <map>

namespace kith::simulation {
namespace {

struct entry {
  scenario_registration::factory make;
  bool twice = false;
};
// Made by its first use, as the table of agent types.
std::map<std::string, entry, std::less<>>& table() {
  static std::map<std::string, entry, std::less<>> t;
  return t;
}

} // namespace

scenario_registration::scenario_registration(std::string_view name, factory make) {
  auto [at, added] = table().try_emplace(std::string(name), entry{make});
  if (!added) at->second.twice = true;
}

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const auto& [name, e] : table()) names.push_back(name);
  return names;
}

result<make_scenario> find_scenario(std::string_view name) {
  const auto found = table().find(name);
  if (found == table().end())
    return fail(errc::invalid, "scenario", "there is no scenario " + std::string(name));
  if (found->second.twice)
    return fail(errc::invalid, "scenario", "two scenarios are registered as " + std::string(name));
  return make_scenario(found->second.make);
}

} // namespace kith::simulation
