// Looking around in a state directory.
#include "tools/kith/state_dir.hpp"
#include "tools/kith/text_values.hpp"

#include <algorithm>
#include <tuple>

namespace kith::cli {

namespace fs = std::filesystem;

bool is_node_name(std::string_view name) {
  if (name.empty() || name.size() > state_dir::node_name_size_max) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

bool state_dir::exists() const {
  std::error_code ec;
  return fs::is_directory(path_ / "nodes", ec);
}

result<> state_dir::require() const {
  if (exists()) return {};
  return fail(errc::not_found, "state_dir_missing",
              "there is no cluster's state in " + path_.string());
}

std::vector<std::string> state_dir::node_names() const {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator it(path_ / "nodes", ec), end; !ec && it != end; it.increment(ec)) {
    const auto name = it->path().filename().string();
    std::error_code ignored; // what cannot be looked at is no node of ours
    if (is_node_name(name) && fs::is_regular_file(it->path() / "kith.toml", ignored))
      names.push_back(name);
  }
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::tuple(a.size(), a) < std::tuple(b.size(), b);
  });
  return names;
}

result<std::string> state_dir::find_node(std::string_view name) const {
  KITH_TRY(require());
  const auto names = node_names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return std::string(name);
  std::string text = "no node in " + path_.string() + " is named '" + std::string(name) + "'";
  if (const auto near = nearest(name, names); !near.empty())
    text += "; the nearest is '" + near + "'";
  return fail(errc::not_found, "unknown_node", text);
}

} // namespace kith::cli
