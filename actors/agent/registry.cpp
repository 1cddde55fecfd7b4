// The tables of agent types and supervisors.
#include "actors/agent/registry.hpp"

#include <map>
#include <set>

namespace kith {
namespace {

struct table_of_types {
  std::map<std::string, agent_registration::factory, std::less<>> types;
  std::map<std::string, supervisor_type, std::less<>> supervisors;
  std::set<std::string, std::less<>> blocking, awake;
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

agent_registration::agent_registration(std::string_view name, factory make, bool blocks,
                                       bool stays_awake) {
  auto& t = table();
  if (blocks) t.blocking.emplace(name);
  if (stays_awake) t.awake.emplace(name);
  if (name.empty() || name.size() > agent_types::name_size_max) {
    if (t.problem.empty())
      t.problem = "an agent type needs a name of 1 to 128 bytes: '" + std::string(name) + "'";
  } else if (!t.types.emplace(std::string(name), std::move(make)).second && t.problem.empty()) {
    t.problem = "two agent types are registered as '" + std::string(name) +
                "': give one of them another name with KITH_AGENT_AS";
  }
}

passing_agent_type::passing_agent_type(std::string_view name, agent_registration::factory make)
    : name_(name) {
  agent_registration add(name, std::move(make));
}

passing_agent_type::~passing_agent_type() { table().types.erase(name_); }

result<void> agent_types::check() {
  if (!table().problem.empty()) return fail(errc::invalid, "agent_type", table().problem);
  return supervisor_types::check(table().supervisors);
}

result<void> supervisor_types::check(const table& all) {
  if (all.size() > count_max)
    return fail(errc::invalid, "supervisor", "a program declares at most 1000 supervisors");
  for (const auto& [name, one] : all) {
    std::size_t depth = 1;
    for (const auto* above = &one; !above->under.empty(); ++depth) {
      auto found = all.find(above->under);
      if (found == all.end())
        return fail(errc::invalid, "supervisor",
                    "supervisor " + name + " is under " + above->under + ", which is not declared");
      if (depth >= depth_max)
        return fail(errc::invalid, "supervisor",
                    "supervisor " + name + " is under itself, or under more than 15 others");
      above = &found->second;
    }
  }
  return {};
}

supervisor_registration::supervisor_registration(std::string_view name, strategy how,
                                                 const supervision& what) {
  auto& t = table();
  const bool good = !name.empty() && name.size() <= agent_types::name_size_max &&
                    name.find('/') == std::string_view::npos;
  supervisor_type one{how, std::string(what.under), what.intensity, what.period_ms,
                      what.shutdown_ms};
  if (!t.problem.empty()) return;
  if (!good)
    t.problem =
        "a supervisor needs a name of 1 to 128 bytes without '/': '" + std::string(name) + "'";
  else if (!t.supervisors.emplace(std::string(name), std::move(one)).second)
    t.problem = "two supervisors are declared as '" + std::string(name) + "'";
}

const supervisor_type* supervisor_types::find(std::string_view name) {
  auto found = all().find(name);
  return found == all().end() ? nullptr : &found->second;
}

const supervisor_types::table& supervisor_types::all() { return kith::table().supervisors; }

std::string_view restart_name(enum restart r) {
  switch (r) {
  case restart::permanent: return "permanent";
  case restart::transient: return "transient";
  case restart::temporary: break;
  }
  return "temporary";
}

std::string_view strategy_name(enum strategy s) {
  switch (s) {
  case strategy::one_for_one: return "one_for_one";
  case strategy::one_for_all: return "one_for_all";
  case strategy::rest_for_one: break;
  }
  return "rest_for_one";
}

std::optional<enum restart> parse_restart(std::string_view name) {
  for (auto r : {restart::permanent, restart::transient, restart::temporary})
    if (name == restart_name(r)) return r;
  return std::nullopt;
}

agent_registration::factory agent_types::find(std::string_view name) {
  const auto& types = table().types;
  auto found = types.find(name);
  return found == types.end() ? nullptr : found->second;
}

bool agent_types::blocks(std::string_view name) { return table().blocking.count(name) != 0; }

bool agent_types::stays_awake(std::string_view name) { return table().awake.count(name) != 0; }

std::vector<std::string> agent_types::names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : table().types) names.push_back(name);
  return names;
}

} // namespace kith
