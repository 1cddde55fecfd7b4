// Which agents there are in the cluster, with their types and names: what people and the command
// line look up. Where an envelope goes is the router's; this is the telephone book beside it.
#pragma once

#include "protocols/kith/frames.hpp"
#include "runtime/crypto/hash.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace kith {

// Where the entries of agents that sleep on this node are, since memory has none: the store. Any
// thread.
struct directory_archive {
  using entry = wire::directory::entry;
  did node;                                                            // this one
  std::function<std::optional<entry>(const byte_array<16>& key)> read; // of an agent of this node
  // Every agent of this node, awake or not.
  std::function<void(const std::function<void(entry)>& visit)> each;
};

// Thread-safe. What is read from the archive is read without the lock.
class agent_directory {
public:
  using entry = wire::directory::entry;
  using agent_key = byte_array<16>; // BLAKE2b of its DID
  struct listing {
    entry agent;
    did node;
  };

  // Once, before anybody sleeps.
  void keep_sleepers_in(directory_archive archive) { archive_ = std::move(archive); }

  void put(const did& node, const entry& e) {
    std::lock_guard lock(mutex_);
    place(e.agent, {e, node});
  }
  void erase(const did& agent) {
    std::lock_guard lock(mutex_);
    remove(agents_.find(agent));
  }
  void erase_node(const did& node) {
    std::lock_guard lock(mutex_);
    for (auto it = agents_.begin(); it != agents_.end();)
      it = it->second.node == node ? remove(it) : std::next(it);
  }
  // An agent of this node: from now on it is in the archive alone, but for its name.
  void sleeps(const agent_key& key, const entry& e) {
    std::lock_guard lock(mutex_);
    remove(agents_.find(e.agent));
    ++asleep_;
    if (!e.name.empty()) names_.emplace(e.name, key);
  }
  // And back, as the archive has it.
  void wakes(const agent_key& key, const entry& e) {
    std::lock_guard lock(mutex_);
    --asleep_;
    auto [it, end] = names_.equal_range(e.name);
    while (it != end && it->second != key) ++it;
    if (it != end) names_.erase(it);
    place(e.agent, {e, archive_.node});
  }
  std::vector<listing> all() const {
    std::vector<listing> out;
    const auto awake = copy();
    for (const auto& [id, l] : awake) out.push_back(l);
    each_asleep(awake, [&](entry e) { out.push_back({std::move(e), archive_.node}); });
    return out;
  }
  std::vector<entry> of(const did& node) const {
    std::vector<entry> out;
    const auto awake = copy();
    for (const auto& [id, l] : awake)
      if (l.node == node) out.push_back(l.agent);
    if (node == archive_.node) each_asleep(awake, [&](entry e) { out.push_back(std::move(e)); });
    return out;
  }
  std::optional<listing> find(const did& agent) const {
    {
      std::lock_guard lock(mutex_);
      auto found = agents_.find(agent);
      if (found != agents_.end()) return found->second;
      if (asleep_ == 0) return std::nullopt;
    }
    auto stored = archive_.read(crypto::blake2b_128(as_bytes(agent.text())));
    if (!stored) return std::nullopt;
    return listing{std::move(*stored), archive_.node};
  }
  // Every agent of that name; more than one is for the caller to refuse.
  std::vector<listing> named(std::string_view name) const {
    std::vector<listing> out;
    std::vector<agent_key> asleep;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [id, l] : agents_)
        if (l.agent.name == name) out.push_back(l);
      auto [from, to] = names_.equal_range(std::string(name));
      for (; from != to; ++from) asleep.push_back(from->second);
    }
    for (const auto& key : asleep)
      if (auto stored = archive_.read(key)) out.push_back({std::move(*stored), archive_.node});
    return out;
  }
  // How many live there.
  std::size_t count(const did& node) const {
    std::lock_guard lock(mutex_);
    auto found = counts_.find(node);
    return (found == counts_.end() ? 0 : found->second) + (node == archive_.node ? asleep_ : 0);
  }

private:
  using table = std::map<did, listing>;
  void place(const did& agent, listing l) {
    auto [it, fresh] = agents_.try_emplace(agent);
    if (!fresh) --counts_[it->second.node];
    ++counts_[l.node];
    it->second = std::move(l);
  }
  table::iterator remove(table::iterator it) {
    if (it == agents_.end()) return it;
    if (--counts_[it->second.node] == 0) counts_.erase(it->second.node);
    return agents_.erase(it);
  }
  table copy() const {
    std::lock_guard lock(mutex_);
    return agents_;
  }
  void each_asleep(const table& awake, const std::function<void(entry)>& visit) const {
    {
      std::lock_guard lock(mutex_);
      if (asleep_ == 0) return;
    }
    archive_.each([&](entry e) {
      if (awake.count(e.agent) == 0) visit(std::move(e));
    });
  }

  directory_archive archive_;
  mutable std::mutex mutex_; // guards what follows
  table agents_;
  std::unordered_map<did, std::size_t> counts_; // of it, by node
  std::size_t asleep_ = 0;
  std::unordered_multimap<std::string, agent_key> names_; // of those asleep
};

} // namespace kith
