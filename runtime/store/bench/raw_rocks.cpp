// One table, RocksDB's own defaults, no compression: less than Kith's store does for each record.
#include "runtime/store/bench/raw_rocks.hpp"

#include "runtime/base/bytes.hpp"
#include "runtime/base/clock.hpp"

#include <algorithm>
#include <memory>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

namespace kith::store::bench {
namespace {

error failed(const rocksdb::Status& s) { return {errc::io, "disk_failed", s.ToString()}; }

} // namespace

result<double> raw_rocks_seconds(const std::string& dir, const raw_load& load) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  options.compression = rocksdb::kNoCompression;
  rocksdb::DB* raw = nullptr;
  if (auto s = rocksdb::DB::Open(options, dir, &raw); !s.ok()) return fail(failed(s));
  std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const std::string value(load.value_size, 'x');
  rocksdb::WriteBatch batch;
  auto write = [&](std::size_t from, std::size_t to) -> rocksdb::Status {
    for (bytes key; from < to;) {
      batch.Clear();
      for (const auto end = std::min(from + load.batch, to); from < end; ++from) {
        key.clear();
        put_u64(key, from);
        auto s = batch.Put({reinterpret_cast<const char*>(key.data()), key.size()}, value);
        if (!s.ok()) return s;
      }
      if (auto s = db->Write(synced, &batch); !s.ok()) return s;
    }
    return {};
  };
  const auto warm_up = std::max(load.records / 10, load.batch);
  if (auto s = write(0, warm_up); !s.ok()) return fail(failed(s));
  const system_clock clock;
  const auto begin = clock.now();
  if (auto s = write(warm_up, warm_up + load.records); !s.ok()) return fail(failed(s));
  const auto took = std::chrono::duration<double>(clock.now() - begin).count();
  db.reset();
  if (auto s = rocksdb::DestroyDB(dir, options); !s.ok()) return fail(failed(s));
  return took;
}

} // namespace kith::store::bench
