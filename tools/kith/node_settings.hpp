// The settings file that `init` writes for each node, and the few settings of one that other nodes'
// files need.
#pragma once

#include "runtime/base/result.hpp"

#include <filesystem>
#include <string>
#include <vector>

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

} // namespace kith::cli
