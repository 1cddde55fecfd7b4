// Writing kith.toml, and reading it back through the settings' own room.
#include "tools/kith/node_settings.hpp"
#include "runtime/config/settings.hpp"

namespace kith::cli {
namespace {

// A TOML basic string (TOML 1.0.0, "String").
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
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

} // namespace kith::cli
