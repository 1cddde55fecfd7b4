// Opening is in two steps: the store is first read without changing it, and held against its
// witness; only then is it opened for writing, which would discard what lies behind a damaged log
// record and with it the evidence.
#include "runtime/store/rocks_backend.hpp"

#include "runtime/store/fault_file_system.hpp"
#include "runtime/store/rocks_backup.hpp"
#include "runtime/store/rocks_iteration.hpp"
#include "runtime/store/rocks_verify.hpp"
#include "runtime/store/state_lock.hpp"
#include "runtime/store/witness_file.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

namespace kith::store {

namespace {

constexpr std::size_t commit_buffer_kept_max =
    1 << 20; // bytes; a larger one is given back after its commit

bytes position_value(journal_position position) {
  bytes b;
  put_u64(b, position);
  return b;
}

bytes format_value(std::uint32_t format) {
  bytes b;
  put_u32(b, format);
  return b;
}

} // namespace

struct rocks_backend::impl {
  impl(const std::filesystem::path& where, rocks_options o)
      : options(std::move(o)), dir(where.string()), path(dir + "/db"), tuning(options),
        witness(*tuning.db.env->GetFileSystem(), dir) {}

  const rocks_options options;
  const std::string dir, path;
  state_lock lock;
  rocks_tuning tuning; // owns the environment, which must outlive the database
  witness_file witness;
  database d;
  bool clean = false;
  std::atomic<journal_position> position{0};
  std::mutex writing;
  bool write_failed = false; // under writing
  rocksdb::WriteBatch batch; // under writing: reused

  result<void> begin();
  result<std::optional<self_record>> inspect();
  result<void> usable() const {
    if (d.db) return {};
    return fail(errc::unavailable, "store_closed", dir);
  }
  rocksdb::WriteOptions write_options() const {
    rocksdb::WriteOptions o;
    o.sync = options.sync_writes;
    return o;
  }
};

// Reads the store without changing it; nothing if there is none, or if its creation did not come to
// an end.
result<std::optional<self_record>> rocks_backend::impl::inspect() {
  auto found = tuning.db.env->FileExists(path + "/CURRENT");
  if (found.IsNotFound()) return std::nullopt;
  if (!found.ok()) return fail(failed(found, "looking for the store"));
  std::vector<std::string> names;
  if (auto s = rocksdb::DB::ListColumnFamilies(tuning.db, path, &names); !s.ok())
    return fail(failed(s, "opening " + path));
  for (const auto& family : tuning.families)
    if (std::find(names.begin(), names.end(), family.name) == names.end()) return std::nullopt;
  KITH_ASSIGN(d, open_database(tuning, path, true));
  KITH_ASSIGN(auto self, read_self(d));
  if (!options.read_only) d.reset().PermitUncheckedError();
  return self;
}

result<void> rocks_backend::impl::begin() {
  KITH_ASSIGN(lock, state_lock::take(dir, options.read_only ? state_lock::mode::shared
                                                            : state_lock::mode::exclusive));
  KITH_ASSIGN(const auto seen, witness.read());
  KITH_ASSIGN(const auto found, inspect());
  const auto self = found.value_or(self_record{});
  KITH_TRY(check_witness(dir, self.position, seen));
  const auto is_new = !self.format;
  clean = is_new || self.clean;
  position = self.position;
  if (options.read_only) {
    if (!found) return fail(errc::not_found, "store_missing", "there is no store in " + dir);
    return {};
  }

  if (options.upkeep && !found)
    return fail(errc::not_found, "store_missing", "there is no store in " + dir);

  // The witness comes first: a store that holds anything and has none is damaged.
  if (!seen) KITH_TRY(witness.write(self.position));
  KITH_ASSIGN(d, open_database(tuning, path, false));
  if (options.upkeep) return {};
  rocksdb::WriteBatch opening;
  opening.Delete(d.meta(), clean_key);
  if (is_new) opening.Put(d.meta(), format_key, view(format_value(format)));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (auto s = d.db->Write(synced, &opening); !s.ok()) return fail(failed(s, "opening " + path));
  return {};
}

rocks_backend::rocks_backend(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
rocks_backend::~rocks_backend() = default;

result<std::unique_ptr<rocks_backend>> rocks_backend::open(const std::filesystem::path& dir,
                                                           rocks_options options) {
  auto i = std::make_unique<impl>(dir, std::move(options));
  KITH_TRY(i->begin());
  return std::unique_ptr<rocks_backend>(new rocks_backend(std::move(i)));
}

result<std::optional<slice>> rocks_backend::get(table in, byte_view key) {
  KITH_TRY(impl_->usable());
  rocksdb::PinnableSlice value;
  auto s = impl_->d.db->Get({}, impl_->d.of(in), view(key), &value);
  if (s.IsNotFound()) return std::nullopt;
  if (!s.ok()) return fail(failed(s, "reading"));
  return slice::copy_of(view(value));
}

result<std::vector<entry>> rocks_backend::scan(table in, byte_view from, byte_view to,
                                               scan_limits limits) {
  KITH_TRY(impl_->usable());
  std::vector<entry> found;
  if (!std::lexicographical_compare(from.begin(), from.end(), to.begin(), to.end())) return found;
  const auto end = view(to);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end;
  const auto before = blocks_read();
  std::unique_ptr<rocksdb::Iterator> at(impl_->d.db->NewIterator(read, impl_->d.of(in)));
  std::size_t size = 0;
  std::optional<bytes> last; // where it stopped, if not at the end
  for (at->Seek(view(from)); at->Valid(); at->Next()) {
    if (found.size() >= limits.count_max || size >= limits.bytes_max) {
      last = to_bytes(view(at->key()));
      break;
    }
    size += at->key().size() + at->value().size();
    found.push_back({to_bytes(view(at->key())), slice::copy_of(view(at->value()))});
  }
  if (!at->status().ok()) return fail(failed(at->status(), "scanning"));
  if (blocks_read() != before)
    if (auto s = check_iterated(impl_->tuning, impl_->d, in, from, to, last, found.size()); !s.ok())
      return fail(failed(s, "scanning"));
  return found;
}

result<void> rocks_backend::commit(std::span<const write_batch> batches, journal_position last) {
  using kind = write_batch::operation::kind;
  KITH_TRY(impl_->usable());
  if (impl_->options.read_only || impl_->options.upkeep)
    return fail(errc::invalid, "store_read_only", impl_->dir);
  std::lock_guard guard(impl_->writing);
  if (impl_->write_failed) return fail(errc::io, "store_failed", "an earlier commit failed");
  auto& b = impl_->batch;
  b.Clear();
  // A WriteBatch takes all its operations' statuses into account when written; they fail only for
  // keys past 4 GiB.
  for (const auto& from : batches)
    for (const auto& op : from.operations()) {
      auto* family = impl_->d.of(op.in);
      if (op.what == kind::put)
        b.Put(family, view(op.key), view(op.value));
      else if (op.what == kind::erase)
        b.Delete(family, view(op.key));
      else
        b.DeleteRange(family, view(op.key), view(op.value));
    }
  b.Put(impl_->d.meta(), position_key, view(position_value(last)));
  auto s = impl_->d.db->Write(impl_->write_options(), &b);
  if (b.GetDataSize() > commit_buffer_kept_max) b = rocksdb::WriteBatch();
  impl_->write_failed = !s.ok();
  if (!s.ok()) return fail(failed(s, "writing"));
  impl_->position = last;
  return {};
}

journal_position rocks_backend::recovered() const { return impl_->position; }

result<void> rocks_backend::bear_witness(journal_position position) {
  KITH_TRY(impl_->usable());
  if (impl_->options.read_only || impl_->options.upkeep)
    return fail(errc::invalid, "store_read_only", impl_->dir);
  return impl_->witness.write(position);
}

bool rocks_backend::was_clean() const { return impl_->clean; }

result<std::uint64_t> rocks_backend::free_bytes() const {
  std::uint64_t room = 0;
  auto s = impl_->tuning.db.env->GetFreeSpace(impl_->dir, &room);
  if (!s.ok()) return fail(failed(s, "asking for free space"));
  return room;
}

result<backup_copy> rocks_backend::back_up(const backup_request& request) {
  KITH_TRY(impl_->usable());
  if (impl_->options.read_only) return fail(errc::invalid, "store_read_only", impl_->dir);
  return store::back_up(impl_->tuning, impl_->d, request, impl_->position);
}

result<store_verification> rocks_backend::verify(const verification_progress& progress) {
  KITH_TRY(impl_->usable());
  return verify_files(impl_->tuning, impl_->path, &impl_->d, impl_->position, progress);
}

rocks_stats rocks_backend::stats() const {
  rocks_stats out;
  const auto& d = impl_->d;
  if (!d.db) return out;
  const auto sum = [&](const std::string& name) {
    std::uint64_t all = 0, one = 0;
    for (auto* f : d.families)
      if (d.db->GetIntProperty(f, name, &one)) all += one;
    return all;
  };
  // Of the whole database, whichever table is asked.
  std::uint64_t whole = 0;
  if (d.db->GetIntProperty(rocksdb::DB::Properties::kIsWriteStopped, &whole))
    out.stopped = whole != 0;
  if (d.db->GetIntProperty(rocksdb::DB::Properties::kActualDelayedWriteRate, &whole))
    out.delayed_bytes_per_s = whole;
  out.compaction_pending_bytes = sum(rocksdb::DB::Properties::kEstimatePendingCompactionBytes);
  out.table_bytes = sum(rocksdb::DB::Properties::kTotalSstFilesSize);
  out.slowdowns = impl_->tuning.stalls->slowdowns;
  out.stops = impl_->tuning.stalls->stops;
  return out;
}

result<void> rocks_backend::close() {
  auto& d = impl_->d;
  if (!d.db) return {};
  rocksdb::Status s;
  if (!impl_->options.read_only && !impl_->options.upkeep && !impl_->write_failed) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    s = d.db->Put(synced, d.meta(), clean_key, "1");
  }
  const auto closed = d.reset();
  impl_->lock = state_lock();
  if (!s.ok()) return fail(failed(s, "closing"));
  if (!closed.ok()) return fail(failed(closed, "closing"));
  return {};
}

} // namespace kith::store
