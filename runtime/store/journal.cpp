// Group commit. Submitters append to one queue under a mutex; the writer swaps the whole queue out,
// cuts it into groups, and for each: one synced write, then the completions. While it writes, the
// next group gathers by itself, so the groups grow with the load and the disk's sync time sets the
// pace.
#include "runtime/store/journal.hpp"

#include <algorithm>
#include <cassert>

namespace kith::store {

namespace {

constexpr std::size_t entry_overhead = 64; // so that barriers are bounded too
constexpr std::size_t kept_capacity_max =
    16384; // what an emptied queue may keep allocated, in entries

} // namespace

void journal::queue::clear() {
  batches.clear();
  entries.clear();
  if (batches.capacity() > kept_capacity_max) std::vector<write_batch>().swap(batches);
  if (entries.capacity() > kept_capacity_max) std::vector<waiting>().swap(entries);
}

journal::journal(backend& backend, const clock& clock, journal_options options,
                 std::function<void(const error&)> on_failure)
    : backend_(backend), clock_(clock), options_(options), on_failure_(std::move(on_failure)) {
  witnessed_ = stats_.submitted = stats_.synced = backend_.recovered();
  synced_ = stats_.synced;
  last_witness_ = clock_.now();
  if (options_.threaded) thread_ = std::thread([this] { run(); });
}

journal::~journal() { close(); }

void journal::close() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (std::exchange(closed_, true)) return;
  }
  if (thread_.joinable()) {
    wake_.notify_one();
    thread_.join();
  } else {
    while (pump()) {
    }
  }
  if (!abandoned_) witness_if_due(true);
}

result<void> journal::fits(const write_batch& batch, std::size_t bytes) const {
  if (failed_) return fail(errc::io, "journal_failed", failed_->what());
  if (stopping_) return fail(errc::unavailable, "journal_closed", "the node is stopping");
  auto current = [&](const did& agent) {
    auto found = epochs_.find(agent);
    return found == epochs_.end() ? epoch(0) : found->second;
  };
  auto stale = [](const write_batch::guard& g, epoch present, const char* wanted) {
    return fail(errc::conflict, "stale_epoch",
                g.agent.text() + ": " + wanted + " " + std::to_string(g.at) + ", present " +
                    std::to_string(present));
  };
  for (const auto& g : batch.required())
    if (auto present = current(g.agent); present != g.at) return stale(g, present, "requires");
  for (const auto& g : batch.raised())
    if (auto present = current(g.agent); g.at <= present) return stale(g, present, "raises to");
  if (bytes > options_.pending_bytes_max - std::min(pending_bytes_, options_.pending_bytes_max))
    return fail(errc::overloaded, "journal_full",
                std::to_string(pending_bytes_) + " bytes wait for the disk; try later");
  return {};
}

result<journal_position> journal::submit(write_batch batch, completion done) {
  const auto barrier = batch.empty();
  const auto bytes = batch.size_bytes() + entry_overhead;
  bool wake;
  journal_position position;
  {
    std::lock_guard lock(mutex_);
    KITH_TRY(fits(batch, bytes));
    for (const auto& g : batch.raised()) {
      auto& at = epochs_[g.agent];
      at = std::max(at, g.at);
    }
    // A barrier shares the position before it: one of its own would be spoken of and yet never
    // stored.
    position = barrier ? stats_.submitted : ++stats_.submitted;
    pending_bytes_ += bytes;
    pending_.entries.push_back({std::move(done), position, bytes, barrier});
    if (!barrier) pending_.batches.push_back(std::move(batch));
    wake = idle_;
    idle_ = false;
  }
  if (wake) wake_.notify_one();
  if (options_.quick && !options_.threaded && !pumping_ && options_.quick()) pump();
  return position;
}

void journal::pass(journal_position used) {
  std::lock_guard lock(mutex_);
  stats_.submitted = std::max(stats_.submitted, used);
}

void journal::load_epoch(const did& agent, epoch at) {
  std::lock_guard lock(mutex_);
  epochs_[agent] = at;
}

void journal::forget_epoch(const did& agent) {
  std::lock_guard lock(mutex_);
  epochs_.erase(agent);
}

epoch journal::epoch_of(const did& agent) const {
  std::lock_guard lock(mutex_);
  auto found = epochs_.find(agent);
  return found == epochs_.end() ? 0 : found->second;
}

journal_stats journal::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

bool journal::pump() {
  assert(!options_.threaded);
  {
    std::lock_guard lock(mutex_);
    if (abandoned_ || !take()) return false;
  }
  const auto before = std::exchange(pumping_, true);
  write_group();
  pumping_ = before;
  return true;
}

bool journal::waits() const {
  std::lock_guard lock(mutex_);
  return !abandoned_ && (entry_cursor_ < taken_.entries.size() || !pending_.entries.empty());
}

void journal::abandon() {
  assert(!options_.threaded);
  queue dropped; // freed outside of the mutex; taken_ stays, for this may run inside one of its
                 // completions
  std::lock_guard lock(mutex_);
  abandoned_ = stopping_ = true;
  std::swap(dropped, pending_);
}

bool journal::take() {
  if (entry_cursor_ < taken_.entries.size()) return true;
  if (pending_.entries.empty()) return false;
  std::swap(taken_, pending_);
  batch_cursor_ = entry_cursor_ = 0;
  return true;
}

void journal::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (take()) {
      lock.unlock();
      write_group();
      lock.lock();
    } else if (stopping_) {
      return;
    } else if (idle_ = true; witnessed_ == stats_.synced || failed_) {
      wake_.wait(lock, [&] { return !idle_ || stopping_; });
    } else if (!wake_.wait_for(lock, options_.witness_interval,
                               [&] { return !idle_ || stopping_; })) {
      // A quiet interval: let the witness catch up with the last commit, rather than at the next
      // one.
      lock.unlock();
      witness_if_due(true);
      lock.lock();
    }
  }
}

journal::group journal::next_group() const {
  group g;
  for (auto at = entry_cursor_; at < taken_.entries.size(); ++at) {
    const auto& next = taken_.entries[at];
    if (!next.barrier) {
      const auto& batch = taken_.batches[batch_cursor_ + g.batches];
      const auto size = batch.size_bytes();
      if (g.batches > 0 &&
          (g.batches >= options_.group_count_max || g.bytes + size > options_.group_bytes_max))
        break;
      ++g.batches;
      g.records += batch.operations().size();
      g.bytes += size;
      g.last = next.position;
    }
    ++g.entries;
    g.pending_bytes += next.bytes;
  }
  return g;
}

result<void> journal::commit(const group& g) {
  const std::span<const write_batch> all(taken_.batches);
  const auto batches = all.subspan(batch_cursor_, g.batches);
  if (options_.series == nullptr) return backend_.commit(batches, g.last);
  const auto began = clock_.now();
  KITH_TRY(backend_.commit(batches, g.last));
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(clock_.now() - began);
  options_.series->sync_time.note(std::uint64_t(std::max<std::int64_t>(took.count(), 0)));
  options_.series->commit_bytes.note(g.bytes);
  options_.series->commit_batches.note(g.batches);
  return {};
}

void journal::write_group() {
  const auto g = next_group();
  std::optional<error> failed;
  {
    std::lock_guard lock(mutex_);
    failed = failed_;
  }
  if (failed) return fail_all(*failed);
  if (g.batches > 0)
    if (auto written = commit(g); !written) return fail_all(written.error());
  {
    std::lock_guard lock(mutex_);
    pending_bytes_ -= g.pending_bytes;
    if (g.batches > 0) {
      stats_.synced = g.last;
      ++stats_.commits;
      stats_.batches += g.batches;
      stats_.records += g.records;
      stats_.bytes += g.bytes;
      synced_.store(g.last, std::memory_order_release);
    }
  }
  for (std::size_t i = 0; i < g.entries && !abandoned_; ++i) {
    auto& entry = taken_.entries[entry_cursor_ + i];
    if (entry.done) entry.done(entry.position);
  }
  batch_cursor_ += g.batches;
  entry_cursor_ += g.entries;
  if (entry_cursor_ == taken_.entries.size()) {
    taken_.clear();
    batch_cursor_ = entry_cursor_ = 0;
  }
  if (!abandoned_) witness_if_due(false);
}

// Between groups, on the writer only. A witness that cannot be written is a failed disk like any
// other.
void journal::witness_if_due(bool now) {
  const auto position = synced();
  if (position == witnessed_) return;
  if (!now && clock_.now() - last_witness_ < options_.witness_interval) return;
  {
    std::lock_guard lock(mutex_);
    if (failed_) return;
  }
  if (auto borne = backend_.bear_witness(position); !borne) return fail_all(borne.error());
  witnessed_ = position;
  last_witness_ = clock_.now();
}

// Stops for good: refuses from now on, tells the node, then everyone who waits, in order.
void journal::fail_all(const error& e) {
  bool first;
  queue later;
  {
    std::lock_guard lock(mutex_);
    first = !failed_;
    if (first) failed_ = e;
    std::swap(later, pending_);
    pending_bytes_ = 0;
  }
  if (first && on_failure_) on_failure_(e);
  const result<journal_position> outcome = fail(e);
  for (; entry_cursor_ < taken_.entries.size() && !abandoned_; ++entry_cursor_)
    if (auto& entry = taken_.entries[entry_cursor_]; entry.done) entry.done(outcome);
  taken_.clear();
  batch_cursor_ = entry_cursor_ = 0;
  for (auto& entry : later.entries)
    if (entry.done && !abandoned_) entry.done(outcome);
}

} // namespace kith::store
