// The one writer of a node's store. Batches become durable in the order of their submission (semantics.md 12); those
// that wait together are written and synced together. An ack, a send, any output waits for its batch's completion.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/store/store.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace kith::store {

struct journal_options {
  bool threaded = true;               // false: nothing happens until pump(), for tests and simulation
  std::size_t group_bytes_max = 4 << 20;
  std::size_t group_count_max = 4096;
  // Submissions waiting past this are refused with overloaded "journal_full"; mailboxes bound themselves long before.
  std::size_t pending_bytes_max = 256 << 20;
  duration witness_interval = std::chrono::seconds(1);
};

struct journal_stats {
  journal_position submitted = 0, synced = 0;
  std::uint64_t commits = 0, batches = 0, bytes = 0;
};

// Thread-safe. Completions run on the journal's thread (or inside pump), in order of submission; they must be quick
// and must not block. After a failed write every completion gets that error, `on_failure` is called once, and all
// later submissions are refused with io "journal_failed": the node must stop.
class journal {
public:
  using completion = std::function<void(const result<journal_position>&)>;

  journal(backend& backend, const clock& clock, journal_options options, std::function<void(const error&)> on_failure);
  ~journal(); // completes what was submitted, bears witness, stops the thread

  // Assigns the position; conflict "stale_epoch" if a required or raised epoch does not fit. An empty batch is a
  // barrier: it completes when everything before it is durable, and writes nothing of its own.
  result<journal_position> submit(write_batch batch, completion done);
  // Sets an agent's epoch as read from the store at start; no write.
  void load_epoch(const did& agent, epoch at);
  epoch epoch_of(const did& agent) const; // 0: unknown

  journal_position synced() const;
  journal_stats stats() const;
  // Unthreaded only: writes one group; false if there was nothing to do.
  bool pump();
  // Unthreaded only: the process "dies": what was not written is dropped and no completion runs.
  void abandon();

private:
  struct waiting {
    write_batch batch;
    completion done;
    journal_position position;
  };
  void run();
  bool write_group(std::unique_lock<std::mutex>& lock);

  backend& backend_;
  const clock& clock_;
  journal_options options_;
  std::function<void(const error&)> on_failure_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<waiting> pending_;
  std::size_t pending_bytes_ = 0;
  std::unordered_map<did, epoch> epochs_;
  journal_stats stats_;
  std::optional<error> failed_;
  bool stopping_ = false;
  time_point last_witness_{};
  std::thread thread_;
};

} // namespace kith::store
