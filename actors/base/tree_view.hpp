// The supervision tree as people see it (`kith tree`): every supervisor notes here what becomes of
// its children.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace kith {

struct tree_entry {
  std::string kind;  // "supervisor", "mailbox", "link", "store"
  std::string state; // "running", "restarting", "stopped", "failed"
  std::uint32_t restarts = 0;
  std::string reason; // of the last crash; empty: none
};

// Thread-safe. A path is the names from the root down, parted by '/'.
class tree_view {
public:
  void set(const std::string& path, tree_entry entry) {
    std::lock_guard lock(mutex_);
    entries_[path] = std::move(entry);
  }
  // What of an entry its owner says itself; how often it was restarted and why is its parent's to
  // say.
  void set_state(const std::string& path, const std::string& kind, const std::string& state) {
    std::lock_guard lock(mutex_);
    auto& e = entries_[path];
    e.kind = kind;
    e.state = state;
  }
  void erase(const std::string& path) {
    std::lock_guard lock(mutex_);
    entries_.erase(path);
  }
  // In the order of paths, so that a parent stands before its children.
  std::vector<std::pair<std::string, tree_entry>> list() const {
    std::lock_guard lock(mutex_);
    return {entries_.begin(), entries_.end()};
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, tree_entry> entries_;
};

} // namespace kith
