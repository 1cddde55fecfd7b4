// First it is iterated once more: what was read is in the cache now, and only a damaged block,
// which is never put there, must be read again. Where the cache is too small for that, each table
// file is iterated by itself, which has no levels to lose a status between.
#include "runtime/store/rocks_iteration.hpp"

#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/sst_file_reader.h>

namespace kith::store {

namespace {

// Visits what is before `end`.
rocksdb::Status visit(rocksdb::Iterator& at, byte_view from, const rocksdb::Slice& end) {
  for (at.Seek(view(from)); at.Valid() && at.key().compare(end) < 0; at.Next()) {
  }
  return at.status();
}

// Each file of the table that has keys from `from` up to `end`.
rocksdb::Status check_files(const rocks_tuning& tuning, const database& d, table in, byte_view from,
                            const rocksdb::Slice& end) {
  if (auto s = d.db->DisableFileDeletions(); !s.ok() && !s.IsNotSupported()) return s;
  const auto begin = from.empty() ? rocksdb::Slice() : view(from); // one without data asserts
  rocksdb::ColumnFamilyMetaData all;
  d.db->GetColumnFamilyMetaData(d.of(in), &all);
  rocksdb::Status found;
  for (const auto& level : all.levels)
    for (const auto& f : level.files) {
      if (!found.ok() || begin.compare(f.largestkey) > 0 || end.compare(f.smallestkey) <= 0)
        continue;
      const rocksdb::Options o(tuning.read_only(), tuning.families[1 + std::size_t(in)].options);
      rocksdb::SstFileReader file(o);
      found = file.Open(f.db_path + f.name);
      if (!found.ok()) continue;
      rocksdb::ReadOptions read;
      read.fill_cache = false;
      const std::unique_ptr<rocksdb::Iterator> at(file.NewIterator(read));
      found = visit(*at, from, end);
    }
  d.db->EnableFileDeletions(false).PermitUncheckedError(); // counted; a reader has none to enable
  return found;
}

} // namespace

std::uint64_t blocks_read() {
  if (rocksdb::GetPerfLevel() < rocksdb::PerfLevel::kEnableCount)
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
  return rocksdb::get_perf_context()->block_read_count;
}

rocksdb::Status check_iterated(const rocks_tuning& tuning, const database& d, table in,
                               byte_view from, byte_view to, const std::optional<bytes>& last,
                               std::size_t count) {
  auto until = last ? *last : to_bytes(to);
  if (last) until.push_back(0); // behind it
  const auto end = view(until);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end;
  const auto before = blocks_read();
  const std::unique_ptr<rocksdb::Iterator> at(d.db->NewIterator(read, d.of(in)));
  std::size_t again = 0;
  for (at->Seek(view(from)); at->Valid(); at->Next()) ++again;
  if (!at->status().ok()) return at->status();
  if (blocks_read() == before && again >= count) return {};
  return check_files(tuning, d, in, from, end);
}

} // namespace kith::store
