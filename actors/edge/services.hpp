// What of the node the edge uses. All of it outlives the edge.
#pragma once

#include "actors/base/agent_directory.hpp"
#include "actors/base/delegation_book.hpp"
#include "actors/base/router.hpp"
#include "runtime/base/random.hpp"
#include "runtime/observe/logger.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/store/store.hpp"

#include <kith/json.hpp>

namespace kith::edge {

class history_book;
class inbox_hub;

// A mailbox of a DID outside, as it is told to its owner.
struct mailbox_status {
  did who;
  epoch at = 1;
  wall_ms expires = 0; // of the delegation
  bool created = false;
};

struct services {
  did self;         // the node
  std::string name; // of the node
  std::string version;
  std::string public_url; // "https://node.example:8443", without a path
  wall_ms started = 0;

  const clock& time;
  random_source& random;
  store::backend& disk;
  kith::router& router;
  agent_directory& directory;
  delegation_book& delegations;
  observe::registry& metrics;
  observe::logger log;
  inbox_hub& hub;
  const history_book& histories;

  std::size_t payload_size_max = 16 << 20;
  // Whether the disk has less room than its reserve.
  std::function<bool()> disk_low;
  // Why the node is not ready for work; empty: it is.
  std::function<std::string()> unready;
  // Sets up, or renews, the mailbox of a DID outside, whose signature has been checked; `done` on
  // any thread, once it is synced.
  std::function<void(delegation, std::function<void(result<mailbox_status>)> done)> open_mailbox;
  // All metrics of the node, up to date; empty: those of the registry.
  std::function<std::vector<observe::registry::sample>()> read_metrics;
  // What this node's ledger knows of a message, as a JSON array.
  std::function<std::string(const uuid&)> history;
  // Notes what the operator is about to do; `done` on any thread, once, when it is noted or cannot
  // be. Empty: nobody keeps note.
  std::function<void(const std::string& act, const std::string& subject, const std::string& who,
                     std::function<void(result<void>)> done)>
      audit;
};

} // namespace kith::edge
