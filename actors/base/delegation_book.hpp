// The delegations of the agents that live on this node: "this node speaks for me". Made when an
// agent's mailbox starts, renewed at half of their life, presented by every link.
#pragma once

#include "runtime/identity/delegation.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/stream/stream_id.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace kith {

// Thread-safe.
class delegation_book {
public:
  explicit delegation_book(did node) : node_(std::move(node)) {}

  // `key` is shared with the agent's mailbox, which signs heads with it.
  void add(const did& agent, std::shared_ptr<const secret_key> key, kith::epoch at) {
    std::lock_guard lock(mutex_);
    pages_[agent] = {std::move(key), at, std::nullopt};
  }
  // Of a DID outside of any node, which made it itself, and renews it.
  void add(const delegation& given) {
    std::lock_guard lock(mutex_);
    pages_[given.agent] = {nullptr, given.epoch, given};
  }
  void remove(const did& agent) {
    std::lock_guard lock(mutex_);
    pages_.erase(agent);
  }
  // Nothing for an agent that does not live here, or whose own word has expired.
  std::optional<delegation> get(const did& agent, wall_ms now) {
    std::lock_guard lock(mutex_);
    auto it = pages_.find(agent);
    if (it == pages_.end()) return std::nullopt;
    auto& p = it->second;
    if (!p.key) return p.made->expires > now ? p.made : std::nullopt;
    if (!p.made || p.made->expires - now < delegation::lifetime_ms / 2)
      p.made = delegation::make(*p.key, node_, p.at, now + delegation::lifetime_ms);
    return p.made;
  }

private:
  struct page {
    std::shared_ptr<const secret_key> key; // null: `made` was given
    kith::epoch at;
    std::optional<delegation> made;
  };
  did node_;
  std::mutex mutex_;
  std::unordered_map<did, page> pages_;
};

} // namespace kith
