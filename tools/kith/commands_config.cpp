// `kith config`: what a node's settings are and where each comes from, and what is wrong with them.
#include "tools/kith/commands.hpp"
#include "tools/kith/config_check.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/text_values.hpp"

#include <boost/json.hpp>

namespace kith::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// What a node that does not run would start with, in the form of the verb `config`.
result<json::array> settings_at_rest(const context& c, const std::string& node) {
  KITH_ASSIGN(const auto all, load_settings(c.dir.node_dir(node), c.io.settings, {}));
  json::array out;
  for (const auto& e : all.dump())
    out.push_back({{"key", e.name}, {"toml", e.value}, {"from", e.origin}, {"about", e.doc}});
  return out;
}

// The TOML of a setting is JSON as well, but for a text that is not UTF-8.
json::value value_of(const std::string& toml) {
  boost::system::error_code ec;
  auto value = json::parse(toml, ec);
  return ec ? json::value(harmless(toml)) : value;
}

json::array as_json(const std::vector<error>& problems) {
  json::array out;
  for (const auto& p : problems)
    out.push_back({{"code", p.code}, {"problem", harmless(p.context)}});
  return out;
}

std::string as_text(const std::vector<error>& problems) {
  std::string out;
  for (const auto& p : problems) out += "  " + sentence(harmless(p.context)) + "\n";
  return out;
}

struct checked {
  std::string node; // empty: a file that was named
  fs::path file;
  std::vector<error> problems;
};

result<checked> check_file(const context& c, const std::string& node, const fs::path& file) {
  std::error_code ec;
  if (!fs::exists(file, ec))
    return fail(errc::not_found, "config_missing",
                "there is no configuration file " + file.string());
  config::settings all;
  checked out{node, file, {}};
  out.problems = problems_of_file(read_some(file, 0, config::settings::file_size_max + 1),
                                  file.filename().string(), all);
  // For a file by itself the environment does not matter; its mistakes are told elsewhere.
  if (!node.empty()) problems_of_variables(c.io.settings, all);
  for (auto& p : problems_of_values(all)) out.problems.push_back(std::move(p));
  return out;
}

} // namespace

result<int> config_show_command(const context& c) {
  KITH_ASSIGN(const auto node, c.one_node());
  json::array settings;
  auto connection = c.connect_to(node);
  if (connection) {
    KITH_ASSIGN(auto said, call(*connection, "config"));
    if (said.is_array()) settings = std::move(said.get_array());
  } else if (connection.error().category == errc::unavailable) {
    KITH_ASSIGN(settings, settings_at_rest(c, node));
  } else {
    return fail(connection.error());
  }
  std::vector<std::vector<std::string>> rows;
  for (auto& v : settings) {
    if (!v.is_object()) continue;
    auto& s = v.get_object();
    const auto toml = text_at(s, "toml");
    rows.push_back({harmless(text_at(s, "key")), harmless(toml), harmless(text_at(s, "from"))});
    s["value"] = value_of(toml);
    s.erase("toml");
  }
  const auto text = (connection ? "Node " + node + " runs with:\n"
                                : "Node " + node + " does not run; it would start with:\n") +
                    table({"KEY", "VALUE", "FROM"}, rows, c.io.colour);
  return c.print(
      json::object{{"node", node}, {"running", connection.has_value()}, {"settings", settings}},
      text);
}

result<int> config_check_command(const context& c) {
  std::vector<checked> all;
  std::vector<error> of_variables;
  if (!c.given.file.empty()) {
    KITH_ASSIGN(auto one, check_file(c, "", c.given.file));
    all.push_back(std::move(one));
  } else {
    KITH_TRY(c.dir.require());
    auto names = c.dir.node_names();
    if (!c.given.node.empty()) {
      KITH_ASSIGN(auto name, c.dir.find_node(c.given.node));
      names = {std::move(name)};
    }
    for (const auto& name : names) {
      KITH_ASSIGN(auto one, check_file(c, name, c.dir.settings_file(name)));
      all.push_back(std::move(one));
    }
    config::settings ignored;
    of_variables = problems_of_variables(c.io.settings, ignored);
  }
  bool ok = of_variables.empty();
  json::array files;
  std::string text;
  for (const auto& one : all) {
    ok = ok && one.problems.empty();
    json::object o{{"file", one.file.string()}, {"problems", as_json(one.problems)}};
    if (!one.node.empty()) o["node"] = one.node;
    files.push_back(std::move(o));
    text += one.file.string() + (one.problems.empty() ? " is good.\n" : ":\n");
    text += as_text(one.problems);
  }
  if (!of_variables.empty()) text += "The environment:\n" + as_text(of_variables);
  c.print(json::object{{"ok", ok}, {"files", files}, {"environment", as_json(of_variables)}}, text);
  return ok ? exit_ok : exit_usage;
}

} // namespace kith::cli
