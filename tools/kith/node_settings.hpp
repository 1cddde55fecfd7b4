// The settings file that `init` writes for each node, the few settings of one that other nodes'
// files need, and all settings of a node as `run` reads them.
#pragma once

#include "runtime/config/settings.hpp"

namespace kith::cli {

struct node_settings {
  std::string name;
  std::string listen;             // host:port
  std::vector<std::string> seeds; // host:port; empty for a cluster's first node
  std::filesystem::path secret_file;
};

// The text of kith.toml, with a comment for each line.
std::string to_toml(const node_settings& s);
// Reads one back, also when a person has changed it. Errors are those of the settings' room, and
// name the file.
result<node_settings> read_node_settings(const std::filesystem::path& file);

// The KITH_* variables that are settings; KITH_DIR is the command line's own. `variables` as
// config::read_environment.
std::vector<config::named_text> settings_variables(const char* const* variables);

// What a node in `node_dir` starts with: its kith.toml, above it `variables`, above them `set`
// (key=value each). Relative paths of the file, and of cluster.secret_file wherever it is said,
// are from that directory. Errors: those of settings::load, and invalid "usage".
result<config::settings> load_settings(const std::filesystem::path& node_dir,
                                       const std::vector<config::named_text>& variables,
                                       const std::vector<std::string>& set);

} // namespace kith::cli
