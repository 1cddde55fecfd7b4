// Commits change the tables at once; one that is not synced leaves behind how to undo it.
#include "runtime/store/memory_backend.hpp"

#include <algorithm>

namespace kith::store {

namespace {

// Counts down; true when the count reaches its end.
bool strikes(std::uint64_t& countdown) { return countdown > 0 && --countdown == 0; }

bool before(byte_view a, byte_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

} // namespace

void memory_disk::set_sync(bool every_commit) {
  std::lock_guard lock(mutex_);
  sync_ = every_commit;
  if (sync_) unsynced_.clear();
}

void memory_disk::sync() {
  std::lock_guard lock(mutex_);
  unsynced_.clear();
}

void memory_disk::crash(std::size_t keep) {
  std::lock_guard lock(mutex_);
  ++generation_;
  for (; unsynced_.size() > keep; unsynced_.pop_back()) {
    auto& commit = unsynced_.back();
    position_ = commit.position_before;
    for (auto u = commit.undone.rbegin(); u != commit.undone.rend(); ++u) {
      auto& t = tables_[std::size_t(u->in)];
      if (u->before)
        t.insert_or_assign(std::move(u->key), std::move(*u->before));
      else
        t.erase(u->key);
    }
  }
  unsynced_.clear();
}

std::shared_ptr<memory_disk> memory_disk::copy() const {
  auto other = std::make_shared<memory_disk>();
  std::lock_guard lock(mutex_);
  std::copy(std::begin(tables_), std::end(tables_), std::begin(other->tables_));
  other->position_ = position_;
  other->witness_ = witness_;
  other->unsynced_ = unsynced_;
  other->sync_ = sync_;
  other->crash();
  return other;
}

void memory_disk::fail_commit(std::uint64_t nth) {
  std::lock_guard lock(mutex_);
  fail_commit_in_ = nth;
  fails_whole_ = false;
}

void memory_disk::tear_commit(bool whole) {
  std::lock_guard lock(mutex_);
  fail_commit_in_ = 1;
  fails_whole_ = whole;
}

void memory_disk::fail_witness(std::uint64_t nth) {
  std::lock_guard lock(mutex_);
  fail_witness_in_ = nth;
}

std::uint64_t memory_disk::commits() const {
  std::lock_guard lock(mutex_);
  return commits_;
}

std::size_t memory_disk::unsynced() const {
  std::lock_guard lock(mutex_);
  return unsynced_.size();
}

journal_position memory_disk::witness() const {
  std::lock_guard lock(mutex_);
  return witness_;
}

void memory_disk::apply(const write_batch::operation& op, std::vector<undo>* undone) {
  using kind = write_batch::operation::kind;
  auto& t = tables_[std::size_t(op.in)];
  auto remember = [&](const bytes& key, std::optional<slice> value) {
    if (undone) undone->push_back({op.in, key, std::move(value)});
  };
  if (op.what == kind::erase_range) {
    auto first = t.lower_bound(op.key), last = t.lower_bound(to_bytes(op.value.view()));
    for (auto at = first; at != last; ++at) remember(at->first, at->second);
    t.erase(first, last);
    return;
  }
  auto at = t.find(op.key);
  remember(op.key, at == t.end() ? std::nullopt : std::optional(at->second));
  if (op.what == kind::put)
    t.insert_or_assign(op.key,
                       slice::copy_of(op.value)); // a copy: the original may pin a whole frame
  else if (at != t.end())
    t.erase(at);
}

result<std::unique_ptr<memory_backend>> memory_backend::open(std::shared_ptr<memory_disk> disk) {
  std::lock_guard lock(disk->mutex_);
  if (disk->position_ < disk->witness_)
    return fail(errc::corrupt, "store_behind_witness",
                "the store recovered to position " + std::to_string(disk->position_) +
                    ", its witness saw " + std::to_string(disk->witness_));
  const auto generation = ++disk->generation_;
  return std::unique_ptr<memory_backend>(new memory_backend(disk, generation));
}

result<void> memory_backend::usable() const {
  if (generation_ == disk_->generation_) return {};
  return fail(errc::unavailable, "disk_lost", "this life of the node is over");
}

result<std::optional<slice>> memory_backend::get(table in, byte_view key) {
  std::lock_guard lock(disk_->mutex_);
  KITH_TRY(usable());
  const auto& t = disk_->tables_[std::size_t(in)];
  auto at = t.find(to_bytes(key));
  if (at == t.end()) return std::nullopt;
  return at->second;
}

result<std::vector<entry>> memory_backend::scan(table in, byte_view from, byte_view to,
                                                scan_limits limits) {
  std::lock_guard lock(disk_->mutex_);
  KITH_TRY(usable());
  const auto& t = disk_->tables_[std::size_t(in)];
  std::vector<entry> found;
  std::size_t size = 0;
  for (auto at = t.lower_bound(to_bytes(from)); at != t.end() && before(at->first, to); ++at) {
    if (found.size() >= limits.count_max || size >= limits.bytes_max) break;
    size += at->first.size() + at->second.size();
    found.push_back({at->first, at->second});
  }
  return found;
}

result<void> memory_backend::commit(std::span<const write_batch> batches, journal_position last) {
  std::lock_guard lock(disk_->mutex_);
  KITH_TRY(usable());
  const bool struck = strikes(disk_->fail_commit_in_);
  if (struck && !disk_->fails_whole_) return fail(errc::io, "disk_failed", "as the test asked");
  std::vector<memory_disk::undo>* undone = nullptr;
  if (!disk_->sync_)
    undone =
        &disk_->unsynced_.emplace_back(memory_disk::unsynced_commit{disk_->position_, {}}).undone;
  for (const auto& batch : batches)
    for (const auto& op : batch.operations()) disk_->apply(op, undone);
  disk_->position_ = last;
  ++disk_->commits_;
  if (struck) return fail(errc::io, "disk_failed", "as the test asked, though all of it is there");
  return {};
}

journal_position memory_backend::recovered() const {
  std::lock_guard lock(disk_->mutex_);
  return disk_->position_;
}

result<void> memory_backend::bear_witness(journal_position position) {
  std::lock_guard lock(disk_->mutex_);
  KITH_TRY(usable());
  if (strikes(disk_->fail_witness_in_)) return fail(errc::io, "disk_failed", "as the test asked");
  disk_->witness_ = position;
  return {};
}

} // namespace kith::store
