// What is known of the other nodes, for people (`kith ps`): every link notes here how its peer
// does.
#pragma once

#include "runtime/identity/did.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace kith {

struct peer_status {
  std::string name;
  std::string address;
  std::string state = "down";         // "up" or "down"
  std::uint64_t rtt_us = 0;           // 0: not measured yet
  std::uint64_t unacknowledged = 0;   // envelopes on their way there
  std::uint64_t volatile_dropped = 0; // QoS 0 envelopes that found no room
  std::uint64_t queue_bytes = 0;      // of data frames that wait for the connection
  std::uint64_t credit_stalls = 0;    // times that a stream had more than its recipient takes
};

// Thread-safe.
class peer_table {
public:
  template <class Change> void update(const did& node, Change change) {
    std::lock_guard lock(mutex_);
    change(peers_[node]);
  }
  std::map<did, peer_status> all() const {
    std::lock_guard lock(mutex_);
    return peers_;
  }
  std::optional<peer_status> find(const did& node) const {
    std::lock_guard lock(mutex_);
    auto found = peers_.find(node);
    return found == peers_.end() ? std::nullopt : std::optional(found->second);
  }
  // The node of that name; empty: there is none.
  did named(std::string_view name) const {
    std::lock_guard lock(mutex_);
    for (const auto& [id, p] : peers_)
      if (p.name == name) return id;
    return {};
  }

private:
  mutable std::mutex mutex_;
  std::map<did, peer_status> peers_;
};

} // namespace kith
