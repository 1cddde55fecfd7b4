// The one writer of a node's store. Batches become durable in the order of their submission
// (semantics.md 12); those that wait together are written and synced together. An ack, a send, any
// output waits for its batch's completion.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/store/store.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace kith::store {

// What a journal counts (docs/METRICS.md).
struct journal_series {
  explicit journal_series(observe::registry& in)
      : commit_bytes(in.distribution("kith_journal_commit_bytes", observe::sizes)),
        commit_batches(in.distribution("kith_journal_commit_batches", observe::numbers)),
        sync_time(in.distribution("kith_journal_sync_seconds", observe::times)) {}
  observe::histogram& commit_bytes;
  observe::histogram& commit_batches;
  observe::histogram& sync_time; // of a commit: written and synced
};

struct journal_options {
  bool threaded = true; // false: nothing happens until pump(), for tests and simulation
  // Asked at each submission, unless it comes from a completion: whether the disk is so quick that
  // all that waits is durable, and its completions have run, before submit() returns. A journal
  // with a thread may be; one without never is if this is empty.
  std::function<bool()> quick = {};
  std::size_t group_bytes_max = 4 << 20;
  std::size_t group_count_max = 4096;
  // Submissions waiting past this are refused with overloaded "journal_full"; mailboxes bound
  // themselves long before.
  std::size_t pending_bytes_max = 256 << 20;
  duration witness_interval = std::chrono::seconds(1);
  journal_series* series = nullptr; // outlives the journal; null: nothing is counted
};

struct journal_stats {
  journal_position submitted = 0, synced = 0;
  // Synced writes, the batches in them, the records that these changed, and their bytes.
  std::uint64_t commits = 0, batches = 0, records = 0, bytes = 0;
};

// Thread-safe. Completions run on the journal's thread (or inside pump), in order of submission;
// they must be quick and must not block, but may submit. After a failed write every completion gets
// that error, `on_failure` is called once (before them), and all later submissions are refused with
// io "journal_failed": the node must stop.
class journal {
public:
  using completion = std::function<void(const result<journal_position>&)>;

  // `backend` and `clock` must outlive the journal. Positions go on from what the backend
  // recovered.
  journal(backend& backend, const clock& clock, journal_options options,
          std::function<void(const error&)> on_failure);
  ~journal(); // close()
  // Completes what was submitted, bears witness, and ends the thread; later submissions are refused
  // with unavailable "journal_closed". Once more does nothing. Not from a completion.
  void close();
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  // Assigns the position; conflict "stale_epoch" if a required or raised epoch does not fit. An
  // empty batch is a barrier: it completes when everything before it is durable, with the last
  // position before it, and writes nothing of its own. Refused also with overloaded "journal_full",
  // io "journal_failed", unavailable "journal_closed"; a refused batch changed nothing and its
  // completion never runs. `done` may be empty.
  result<journal_position> submit(write_batch batch, completion done);
  // What is submitted from now on has positions behind this one, which another life used.
  void pass(journal_position used);
  // Sets an agent's epoch as read from the store at start; no write.
  void load_epoch(const did& agent, epoch at);
  epoch epoch_of(const did& agent) const; // 0: unknown
  // It is not in memory any more; batches that require an epoch of it are refused until it is
  // loaded again.
  void forget_epoch(const did& agent);

  journal_position synced() const { return synced_.load(std::memory_order_acquire); }
  journal_stats stats() const;
  // Unthreaded only: writes one group; false if there was nothing to do. Not from within a
  // completion.
  bool pump();
  bool waits() const; // whether pump() would do something
  // Unthreaded only: the process "dies": what was not written is dropped and no completion runs.
  void abandon();

private:
  struct waiting {
    completion done;
    journal_position position;
    std::size_t bytes; // what it counts towards pending_bytes_
    bool barrier;      // has no batch
  };
  // Side by side, because the backend takes a contiguous run of batches.
  struct queue {
    std::vector<write_batch> batches; // in order, one for each that is not a barrier
    std::vector<waiting> entries;
    void clear();
  };
  // One run of `taken_`: so many of each, from the cursors on.
  struct group {
    std::size_t batches = 0, entries = 0, records = 0, bytes = 0, pending_bytes = 0;
    journal_position last = 0;
  };

  result<void> fits(const write_batch& batch, std::size_t bytes) const; // under mutex_
  void run();
  bool take(); // under mutex_: moves what is pending to taken_ if that is used up
  void write_group();
  group next_group() const;
  result<void> commit(const group& g);
  void witness_if_due(bool now);
  void fail_all(const error& e);

  backend& backend_;
  const clock& clock_;
  const journal_options options_;
  const std::function<void(const error&)> on_failure_;

  mutable std::mutex mutex_; // guards from here
  std::condition_variable wake_;
  queue pending_;
  std::size_t pending_bytes_ = 0; // of pending_ and of what is left of taken_
  std::unordered_map<did, epoch> epochs_;
  journal_stats stats_;
  std::optional<error> failed_;
  bool stopping_ = false;
  bool closed_ = false;
  bool idle_ = false; // the thread waits: only then is it worth waking

  std::atomic<journal_position> synced_{0};

  // From here the writer's alone: the thread's, or the caller's of pump().
  queue taken_;
  std::size_t batch_cursor_ = 0, entry_cursor_ = 0;
  bool pumping_ = false; // without a thread
  bool abandoned_ = false;
  journal_position witnessed_ = 0;
  time_point last_witness_{};
  std::thread thread_;
};

} // namespace kith::store
