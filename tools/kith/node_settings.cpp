// Writing kith.toml, and reading it back through the settings' own room.
#include "tools/kith/node_settings.hpp"

#include <cstdlib>

namespace kith::cli {
namespace {

constexpr std::string_view file_name = "kith.toml";
constexpr std::string_view path_keys[] = {"cluster.secret_file",   "keys.passphrase_file",
                                          "edge.certificate_file", "edge.key_file",
                                          "edge.ca_file",          "log.file"};

// A TOML basic string (TOML 1.0.0, "String").
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// "link.listen=127.0.0.1:0".
result<std::vector<config::named_text>> flags_of(const std::vector<std::string>& set) {
  std::vector<config::named_text> flags;
  for (const auto& one : set) {
    const auto equals = one.find('=');
    if (equals == one.npos || equals == 0)
      return fail(errc::invalid, "usage", "--set takes key=value, and not '" + one + "'");
    flags.emplace_back(one.substr(0, equals), one.substr(equals + 1));
  }
  return flags;
}

// Sets `key` anew, from the place where it was set before, so that `config show` names that place.
result<> set_again(config::settings& all, std::string_view key, const std::string& value) {
  const auto origin = all.origin(key);
  if (origin.starts_with("KITH_")) return all.apply_environment({{origin, value}});
  if (origin.starts_with("--")) return all.apply_flags({{std::string(key), value}});
  const auto line = std::strtoul(origin.substr(origin.rfind(' ') + 1).c_str(), nullptr, 10);
  const std::string above(line > 0 ? line - 1 : 0, '\n');
  return all.apply_toml(above + std::string(key) + " = " + toml_string(value),
                        std::string(file_name));
}

} // namespace

std::string to_toml(const node_settings& s) {
  std::string seeds;
  for (const auto& seed : s.seeds) seeds += (seeds.empty() ? "" : ", ") + toml_string(seed);
  return "# The settings of this node. KITH_* variables and flags of `kith run --set` override "
         "them.\n"
         "[node]\n"
         "name = " +
         toml_string(s.name) +
         "\n\n"
         "[link]\n"
         "# Where other nodes connect to.\n"
         "listen = " +
         toml_string(s.listen) +
         "\n\n"
         "[cluster]\n"
         "# Nodes to join; none for the first node of a cluster.\n"
         "seeds = [" +
         seeds +
         "]\n"
         "# The same on all nodes. Relative to this file's directory.\n"
         "secret_file = " +
         toml_string(s.secret_file.string()) + "\n";
}

result<node_settings> read_node_settings(const std::filesystem::path& file) {
  KITH_ASSIGN(const auto all, config::settings::load({.file = file}));
  return node_settings{all.text("node.name"), all.text("link.listen"), all.list("cluster.seeds"),
                       all.text("cluster.secret_file")};
}

std::vector<config::named_text> settings_variables(const char* const* variables) {
  auto all = config::read_environment(variables);
  std::erase_if(all, [](const auto& v) { return v.first == "KITH_DIR"; });
  return all;
}

result<config::settings> load_settings(const std::filesystem::path& node_dir,
                                       const std::vector<config::named_text>& variables,
                                       const std::vector<std::string>& set) {
  config::sources from;
  from.file = node_dir / file_name;
  from.environment = variables;
  KITH_ASSIGN(from.flags, flags_of(set));
  KITH_ASSIGN(auto all, config::settings::load(from));
  for (const auto key : path_keys) {
    const std::filesystem::path path = all.text(key);
    const bool ours = key == "cluster.secret_file" || all.origin(key).starts_with(file_name);
    if (path.empty() || path.is_absolute() || !ours) continue;
    KITH_TRY(set_again(all, key, (node_dir / path).string()));
  }
  return all;
}

} // namespace kith::cli
