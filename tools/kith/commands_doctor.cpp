// `kith doctor`: what is wrong with this installation, and how to mend it.
#include "tools/kith/doctor.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/node_settings.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith::cli {
namespace {

namespace json = boost::json;

patient meet(const context& c, const std::string& name) {
  patient p;
  p.name = name;
  p.dir = c.dir.node_dir(name);
  if (auto settings = load_settings(p.dir, c.io.settings, {})) p.settings = std::move(*settings);
  const auto status = status_of(c, name);
  p.state = text_at(status, "state");
  p.version = text_at(status, "version");
  p.edge_url = text_at(status, "edge_url");
  p.pid = pid_t(int_at(status, "pid"));
  return p;
}

std::vector<finding> examine(const context& c) {
  findings shared;
  examine_directory(c, shared);
  std::vector<patient> patients;
  for (const auto& name : c.dir.node_names()) patients.push_back(meet(c, name));
  if (!patients.empty()) {
    examine_secrets(patients, shared);
    examine_ports(patients, shared);
    examine_clock(c, shared);
  }
  auto all = shared.all();
  const auto now = system_clock().wall();
  for (const auto& p : patients) {
    if (!c.given.node.empty() && p.name != c.given.node) continue;
    findings of_node(p.name);
    examine_files(c, p, of_node);
    examine_process(c, p, of_node);
    examine_disk(p, of_node);
    examine_descriptors(p, of_node);
    examine_edge(p, now, of_node);
    if (p.runs()) examine_running(c, p, of_node);
    all.insert(all.end(), of_node.all().begin(), of_node.all().end());
  }
  return all;
}

std::string summed_up(const std::vector<finding>& all) {
  const auto count = [&](verdict v) {
    return std::count_if(all.begin(), all.end(), [&](const finding& f) { return f.is == v; });
  };
  const auto problems = count(verdict::problem), warnings = count(verdict::warning);
  if (problems == 0 && warnings == 0) return "All is well.";
  return std::to_string(problems) + (problems == 1 ? " problem, " : " problems, ") +
         std::to_string(warnings) + (warnings == 1 ? " warning." : " warnings.");
}

} // namespace

result<int> doctor_command(const context& c) {
  if (!c.given.node.empty()) KITH_TRY(c.dir.find_node(c.given.node));
  const auto all = examine(c);
  const bool well = std::none_of(all.begin(), all.end(),
                                 [](const finding& f) { return f.is == verdict::problem; });
  json::array list;
  for (const auto& f : all) list.push_back(as_json(f));
  c.print(json::object{{"ok", well}, {"findings", list}},
          render_findings(all, c.io.colour) + summed_up(all));
  return well ? exit_ok : exit_failed;
}

} // namespace kith::cli
