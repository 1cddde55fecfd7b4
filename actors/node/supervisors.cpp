// The supervisors that the program declares, as branches under the node's supervisor of agents. One
// is started with all that belongs to it: the supervisors declared under it, then its agents in the
// order of their birth, as the store has them.
#include "actors/agent/registry.hpp"
#include "actors/node/parts.hpp"

namespace kith {

namespace {

restart_limits limits_of(node_parts& parts, const supervisor_type& type) {
  auto limits = default_restart_limits(parts.options.settings);
  if (type.intensity) limits.intensity_max = *type.intensity;
  if (type.period_ms != 0) limits.period = std::chrono::milliseconds(type.period_ms);
  return limits;
}

} // namespace

restart_limits default_restart_limits(const config::settings& s) {
  restart_limits r;
  r.intensity_max = std::uint32_t(s.integer("supervisor.intensity"));
  r.period = s.milliseconds("supervisor.period_ms");
  r.delay = s.milliseconds("supervisor.backoff_ms");
  r.delay_max = s.milliseconds("supervisor.backoff_ms_max");
  return r;
}

std::string supervisor_path(node_parts& parts, const std::string& name) {
  auto* type = supervisor_types::find(name);
  if (type == nullptr) return parts.name + "/agents";
  return supervisor_path(parts, type->under) + "/" + name; // as deep as check() allows
}

result<std::vector<child_spec>> children_of(node_parts& parts, const std::string& name) {
  std::vector<child_spec> out;
  for (const auto& [child, type] : supervisor_types::all())
    if (type.under == name) out.push_back(supervisor_child(parts, child));
  KITH_ASSIGN(auto agents, stored_agents(parts, name));
  for (auto& a : agents) out.push_back(std::move(a));
  return out;
}

child_spec supervisor_child(node_parts& parts, const std::string& name) {
  const auto& type = *supervisor_types::find(name);
  child_spec spec;
  spec.name = name;
  spec.kind = "supervisor, " + std::string(strategy_name(type.strategy));
  spec.restart = restart::permanent;
  spec.order = 1;
  spec.supervises = true;
  spec.start = [&parts, name, kind = spec.kind](caf::actor_system& system) {
    const auto& declared = *supervisor_types::find(name);
    supervisor_options o;
    o.path = supervisor_path(parts, name);
    o.kind = kind;
    o.strategy = declared.strategy;
    o.escalates = true;
    o.limits = limits_of(parts, declared);
    o.stop_deadline = std::chrono::milliseconds(declared.shutdown_ms);
    auto made = system.spawn<supervisor>(
        std::move(o), supervisor_ports{parts.time, parts.random, parts.tree,
                                       parts.log.component("supervisor"), &parts.meters.all});
    {
      std::lock_guard lock(parts.mutex);
      parts.supervisors[name] = made;
    }
    // Only now: whoever is born from here on finds it, and who was born before is in the store.
    auto children = children_of(parts, name);
    if (!children) {
      caf::anon_send_exit(made, caf::exit_reason::kill);
      throw std::runtime_error(children.error().what());
    }
    for (auto& c : *children) caf::anon_send(made, std::move(c));
    return made;
  };
  spec.gave_up = [&parts, name](const std::string&) {
    std::lock_guard lock(parts.mutex);
    parts.supervisors.erase(name);
  };
  return spec;
}

caf::actor supervisor_of(node_parts& parts, const std::string& name) {
  std::lock_guard lock(parts.mutex);
  if (supervisor_types::find(name) == nullptr) return parts.agents;
  auto found = parts.supervisors.find(name);
  return found == parts.supervisors.end() ? nullptr : found->second;
}

} // namespace kith
