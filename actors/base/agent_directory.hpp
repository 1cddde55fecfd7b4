// Which agents there are in the cluster, with their types and names: what people and the command
// line look up. Where an envelope goes is the router's; this is the telephone book beside it.
#pragma once

#include "protocols/kith/frames.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace kith {

// Thread-safe.
class agent_directory {
public:
  using entry = wire::directory::entry;
  struct listing {
    entry agent;
    did node;
  };

  void put(const did& node, const entry& e) {
    std::lock_guard lock(mutex_);
    agents_[e.agent] = {e, node};
  }
  void erase(const did& agent) {
    std::lock_guard lock(mutex_);
    agents_.erase(agent);
  }
  void erase_node(const did& node) {
    std::lock_guard lock(mutex_);
    std::erase_if(agents_, [&](const auto& a) { return a.second.node == node; });
  }
  std::vector<listing> all() const {
    std::lock_guard lock(mutex_);
    std::vector<listing> out;
    for (const auto& [id, l] : agents_) out.push_back(l);
    return out;
  }
  std::vector<entry> of(const did& node) const {
    std::lock_guard lock(mutex_);
    std::vector<entry> out;
    for (const auto& [id, l] : agents_)
      if (l.node == node) out.push_back(l.agent);
    return out;
  }
  std::optional<listing> find(const did& agent) const {
    std::lock_guard lock(mutex_);
    auto found = agents_.find(agent);
    return found == agents_.end() ? std::nullopt : std::optional(found->second);
  }
  // Every agent of that name; more than one is for the caller to refuse.
  std::vector<listing> named(std::string_view name) const {
    std::lock_guard lock(mutex_);
    std::vector<listing> out;
    for (const auto& [id, l] : agents_)
      if (l.agent.name == name) out.push_back(l);
    return out;
  }
  // How many live there.
  std::size_t count(const did& node) const {
    std::lock_guard lock(mutex_);
    std::size_t n = 0;
    for (const auto& [id, l] : agents_) n += l.node == node ? 1 : 0;
    return n;
  }

private:
  mutable std::mutex mutex_;
  std::map<did, listing> agents_;
};

} // namespace kith
