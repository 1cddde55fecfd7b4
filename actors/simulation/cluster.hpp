// Whole nodes in one thread, from one seed: the production code of stores' journals, mailboxes,
// links, membership and supervision on simulated ground. The network is net::simulated_network, the
// disks are store::memory_disk, time passes when nothing can happen any more, and the seed decides
// which of the things that can happen now happens first. Two runs of a seed are the same.
#pragma once

#include "actors/base/messages.hpp"
#include "actors/simulation/fault.hpp"
#include "runtime/net/simulated.hpp"
#include "runtime/observe/logger.hpp"
#include "runtime/store/memory_backend.hpp"

#include <memory>
#include <optional>
#include <set>

namespace kith::simulation {

struct cluster_options {
  std::uint64_t seed = 1;
  std::size_t nodes = 3;                            // n1, n2, ...; each knows n1, and n1 the second
  net::link_traits way;                             // between any two, while nothing is wrong
  duration sync_max = std::chrono::milliseconds(5); // at most between two syncs of a node
  // Settings of every node: {"turn.attempts_max", "3"}.
  std::vector<std::pair<std::string, std::string>> settings = {};
  // Gets every line that a node logs, if set.
  std::function<void(std::string_view node, std::string_view line)> on_log = {};
};

// Not thread-safe. Agent types must be registered before the first one is made.
class cluster {
public:
  explicit cluster(cluster_options options);
  ~cluster();
  cluster(const cluster&) = delete;

  // ---- nodes, by number from 0
  std::size_t size() const;
  std::string name(std::size_t node) const;
  const did& id(std::size_t node) const;
  bool up(std::size_t node) const;
  // Dies with what it had not synced. Nothing if it is down.
  void crash(std::size_t node);
  // Ends in order; it is down when that is done, which takes time to pass. Nothing if it is down.
  void stop(std::size_t node);
  // Nothing if it is up, or stopping.
  void start(std::size_t node);

  // ---- what comes from outside of any agent, as kith::client sends it
  // Through the node's own mailbox; false: the node is down, or its mailbox is not up yet, and
  // nothing was taken.
  bool send(std::size_t node, ingress what);
  // An agent of a type, under a supervisor that is declared, or the node's. Runs until it is there,
  // at most a minute. unavailable "node_down"; what the node refuses.
  result<did> spawn(std::size_t node, const std::string& type, const std::string& name,
                    const std::string& under = {});

  // ---- time
  time_point now() const;
  void run_for(duration span);
  // False: it did not come to that within `span`.
  bool run_until(const std::function<bool()>& done, duration span);

  // ---- what goes wrong
  // From now on, until it is over.
  void inject(const fault& f);
  // All of it is over: ways, disks and clocks are as at first. Nodes that are down start.
  void mend();
  // How often each kind was injected; not where it was so already, or the node was down.
  fault_counts injected() const;

  // ---- what is seen
  // A running hash of all that happened.
  std::uint64_t trace() const;
  std::uint64_t event_count() const;
  std::uint64_t sleeps() const; // agents that fell asleep so far
  // How often a node began again on a backup of its disk.
  std::size_t restores(std::size_t node) const;
  // Handlers that wrote what they had read before an await, though another turn had changed it.
  const std::set<std::string>& stale_writes() const;
  // What is on a node's disk; nullptr: it is down.
  store::backend* disk(std::size_t node);
  // The value that an agent's durable holds, as encoded; nullopt: none. Looks at every disk.
  std::optional<bytes> cell(const did& agent, std::string_view name);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace kith::simulation
