// The layout of a cluster's state directory on this machine, and nothing about what is in its
// files:
//
//   <dir>/cluster.secret                     mode 0600; the same on all machines of the cluster
//   <dir>/nodes/<name>/kith.toml             the node's settings
//   <dir>/nodes/<name>/{keys/,store/}        its identity and its data
//   <dir>/nodes/<name>/{control.sock,node.log,pid}
#pragma once

#include "runtime/base/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kith::cli {

class state_dir {
public:
  static constexpr std::size_t node_name_size_max = 32; // characters

  explicit state_dir(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  bool exists() const;
  std::filesystem::path secret_file() const { return path_ / "cluster.secret"; }
  std::filesystem::path node_dir(std::string_view name) const { return path_ / "nodes" / name; }
  std::filesystem::path settings_file(std::string_view name) const {
    return node_dir(name) / "kith.toml";
  }
  std::filesystem::path log_file(std::string_view name) const {
    return node_dir(name) / "node.log";
  }
  std::filesystem::path pid_file(std::string_view name) const { return node_dir(name) / "pid"; }

  // Of all that were initialised, n2 before n10.
  std::vector<std::string> node_names() const;
  // `name` itself if there is such a node. not_found "state_dir_missing"; not_found "unknown_node",
  // which names the nearest.
  result<std::string> find_node(std::string_view name) const;
  // not_found "state_dir_missing".
  result<> require() const;

private:
  std::filesystem::path path_;
};

// Letters, digits, '-' and '_', not more than node_name_size_max: it becomes a directory and a word
// on a wire.
bool is_node_name(std::string_view name);

} // namespace kith::cli
