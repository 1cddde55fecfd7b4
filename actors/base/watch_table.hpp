// Who watches whom, on this node: agents of ours that watch, and nodes whose agents watch ours.
// What is to be told to whom is decided with it in actors/node/watching.cpp.
#pragma once

#include "actors/base/caf_compat.hpp"

#include <kith/down.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace kith {

// To a mailbox: one that its agent watches went down.
struct down_notice {
  down what;
};

// Thread-safe.
class watch_table {
public:
  // Watched by agents here, and watched here for other nodes; one more is refused.
  static constexpr std::size_t watched_max = 100'000;

  // False: too many.
  bool add(const did& watched, const did& watcher) {
    std::lock_guard lock(mutex_);
    if (watchers_.count(watched) == 0 && watchers_.size() >= watched_max) return false;
    watchers_[watched].insert(watcher);
    return true;
  }
  // The node to be told that nobody here watches it any more; empty: none is.
  did remove(const did& watched, const did& watcher) {
    std::lock_guard lock(mutex_);
    auto found = watchers_.find(watched);
    if (found == watchers_.end()) return {};
    found->second.erase(watcher);
    if (!found->second.empty()) return {};
    watchers_.erase(found);
    auto home = homes_.find(watched);
    if (home == homes_.end()) return {};
    auto node = home->second;
    homes_.erase(home);
    return node;
  }
  std::vector<did> watchers_of(const did& watched) const {
    std::lock_guard lock(mutex_);
    auto found = watchers_.find(watched);
    if (found == watchers_.end()) return {};
    return {found->second.begin(), found->second.end()};
  }
  std::vector<did> watched() const {
    std::lock_guard lock(mutex_);
    std::vector<did> out;
    for (const auto& [who, by] : watchers_) out.push_back(who);
    return out;
  }

  // The node that was asked to watch it for us.
  void set_home(const did& watched, const did& node) {
    std::lock_guard lock(mutex_);
    if (watchers_.count(watched) != 0) homes_[watched] = node;
  }
  did home(const did& watched) const {
    std::lock_guard lock(mutex_);
    auto found = homes_.find(watched);
    return found == homes_.end() ? did() : found->second;
  }

  // A node whose agents watch one of ours. False: too many.
  bool add_node(const did& watched, const did& node) {
    std::lock_guard lock(mutex_);
    if (nodes_.count(watched) == 0 && nodes_.size() >= watched_max) return false;
    nodes_[watched].insert(node);
    return true;
  }
  void remove_node(const did& watched, const did& node) {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(watched);
    if (found == nodes_.end()) return;
    found->second.erase(node);
    if (found->second.empty()) nodes_.erase(found);
  }
  std::vector<did> nodes_of(const did& watched) const {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(watched);
    if (found == nodes_.end()) return {};
    return {found->second.begin(), found->second.end()};
  }

  // How an agent of ours went down, until it is up again: as many as there are agents.
  void went_down(const down& d) {
    std::lock_guard lock(mutex_);
    downs_[d.who] = d;
  }
  void came_up(const did& who) {
    std::lock_guard lock(mutex_);
    downs_.erase(who);
  }
  std::optional<down> last_down(const did& who) const {
    std::lock_guard lock(mutex_);
    auto found = downs_.find(who);
    return found == downs_.end() ? std::nullopt : std::optional(found->second);
  }

private:
  mutable std::mutex mutex_;
  std::map<did, std::set<did>> watchers_;
  std::map<did, did> homes_; // of what watchers_ has
  std::map<did, std::set<did>> nodes_;
  std::map<did, down> downs_;
};

} // namespace kith

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(kith::down_notice)
