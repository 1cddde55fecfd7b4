// What one node counts, and how its parts come to their series. What nobody can count as it happens
// (a depth, an age) is read when somebody asks.
#pragma once

#include "actors/base/agent_meters.hpp"
#include "actors/mailbox/mailbox_metrics.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/store/journal.hpp"
#include "runtime/store/rocks_backend.hpp"

#include <functional>

namespace kith {

struct node_parts;

// Thread-safe. Outlives whatever counts.
struct node_metering {
  observe::registry all;
  agent_meters agents;
  store::journal_series journal{all};
  std::function<store::rocks_stats()> disk;      // empty: the disk has nothing to say
  std::function<std::uint64_t()> resident_bytes; // of the process; empty: it is not known

  // One for all mailboxes of a type.
  std::shared_ptr<mailbox_series> of_type(const std::string& type);
  std::vector<std::string> known_types() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<mailbox_series>> types_; // shared with the mailboxes
};

// Brings what is only read up to date, and returns all there is. Any thread; looks at every active
// agent and every peer.
std::vector<observe::registry::sample> read_metrics(node_parts& parts);

// Of this process, from the kernel; 0: it does not say.
std::uint64_t resident_bytes_of_process();

} // namespace kith
