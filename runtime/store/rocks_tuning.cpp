// Small when idle, one log for all tables, nothing that delays or loses an error.
#include "runtime/store/rocks_tuning.hpp"

#include "runtime/store/fault_file_system.hpp"

#include <algorithm>
#include <rocksdb/cache.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/system_clock.h>
#include <rocksdb/table.h>

namespace kith::store {

namespace {

// Stored: RocksDB finds the tables by these names.
constexpr const char* table_names[table_count] = {"state", "queue", "ledger"};

constexpr std::size_t meta_buffer_bytes = 4 << 20; // the position, rewritten by each commit
constexpr std::size_t arena_block_bytes =
    256 << 10;                          // memtables grow by this, or by an eighth if that is less
constexpr int filter_bits_per_key = 10; // 1 % false positives

class no_log final : public rocksdb::Logger {
public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// RocksDB sleeps a second after a failed flush, in the hope of better times. With the power gone
// there are none, and hundreds of cuts would take minutes.
class impatient_clock final : public rocksdb::SystemClockWrapper {
public:
  explicit impatient_clock(fault_disk& disk)
      : SystemClockWrapper(rocksdb::SystemClock::Default()), disk_(disk) {}
  const char* Name() const override { return "kith_impatient_clock"; }
  void SleepForMicroseconds(int micros) override {
    if (!disk_.is_cut()) target_->SleepForMicroseconds(micros);
  }

private:
  fault_disk& disk_;
};

class faulty_env final : public rocksdb::EnvWrapper {
public:
  explicit faulty_env(fault_disk& disk) : EnvWrapper(rocksdb::NewCompositeEnv(disk.file_system())) {
    system_clock_ = std::make_shared<impatient_clock>(disk); // shared: RocksDB asks for it so
  }
};

rocksdb::ColumnFamilyOptions family(const rocks_options& o,
                                    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions f;
  f.write_buffer_size = o.write_buffer_bytes;
  f.max_write_buffer_number = o.write_buffer_count_max;
  f.arena_block_size = std::min(arena_block_bytes, o.write_buffer_bytes / 8);
  f.compression = rocksdb::kLZ4Compression;
  f.target_file_size_base = 16 << 20;
  f.max_bytes_for_level_base = 64 << 20;
  f.level_compaction_dynamic_level_bytes = true;
  // RocksDB 7.8 asserts when the first write of a compaction fails
  // (CompactionState::SmallestUserKey), and Debian's build has assertions on: a cut would end the
  // test, not the store.
  f.disable_auto_compactions = o.faults != nullptr;
  rocksdb::BlockBasedTableOptions t;
  t.block_cache = cache;
  t.cache_index_and_filter_blocks = true; // or they would lie outside of the cache's bound
  t.pin_l0_filter_and_index_blocks_in_cache = true;
  t.filter_policy.reset(
      rocksdb::NewBloomFilterPolicy(filter_bits_per_key)); // most ledger look-ups find nothing
  t.format_version = 5;
  f.table_factory.reset(rocksdb::NewBlockBasedTableFactory(t));
  return f;
}

} // namespace

rocks_tuning::rocks_tuning(const rocks_options& o) : faults(o.faults) {
  if (faults) fault_env = std::make_unique<faulty_env>(*faults);
  db.env = faults ? fault_env.get() : rocksdb::Env::Default();
  db.create_if_missing = db.create_missing_column_families = true;
  db.paranoid_checks = true;
  // Of each whole file, kept in the manifest: a backup and a verification compare with it.
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  db.listeners.push_back(stalls);

  // The log: bounded, and after a crash read up to its first damaged record; the witness says
  // whether that was enough.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.track_and_verify_wals_in_manifest = true; // a missing log file is noticed
  db.max_total_wal_size = o.wal_bytes_max;
  db.manual_wal_flush = false;
  db.recycle_log_file_num = 0; // does not go with point-in-time recovery
  db.db_write_buffer_size = o.write_buffer_bytes * std::size_t(o.write_buffer_count_max);

  db.max_open_files = o.open_files_max;
  db.max_background_jobs = 2;
  db.avoid_unnecessary_blocking_io = true; // readers do not delete files
  db.bytes_per_sync = 1 << 20; // a flush reaches the disk evenly, not in front of somebody's sync
  db.max_bgerror_resume_count =
      0; // a failed disk stops the node; nothing is retried behind its back
  db.stats_dump_period_sec = db.stats_persist_period_sec = 0;
  db.keep_log_file_num = 2;
  db.max_log_file_size = 1 << 20;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;

  auto cache = rocksdb::NewLRUCache(o.block_cache_bytes);
  auto meta = family(o, cache);
  meta.write_buffer_size = std::min(meta.write_buffer_size, meta_buffer_bytes);
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, meta);
  for (const char* name : table_names) families.emplace_back(name, family(o, cache));
}

rocksdb::DBOptions rocks_tuning::read_only() const {
  auto o = db;
  o.info_log = std::make_shared<no_log>();
  return o;
}

} // namespace kith::store
