// RocksDB's settings, and why each is as it is. Included by this folder's sources only.
#pragma once

#include "runtime/store/rocks_backend.hpp"

#include <atomic>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>

namespace kith::store {

// How often RocksDB held writers up. Called on its threads.
struct stall_counter final : rocksdb::EventListener {
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override {
    if (info.condition.cur == rocksdb::WriteStallCondition::kDelayed) ++slowdowns;
    if (info.condition.cur == rocksdb::WriteStallCondition::kStopped) ++stops;
  }
  std::atomic<std::uint64_t> slowdowns{0}, stops{0};
};

struct rocks_tuning {
  explicit rocks_tuning(const rocks_options& o);

  // The same for a reader that must leave no trace, not even a log file.
  rocksdb::DBOptions read_only() const;

  std::shared_ptr<fault_disk> faults;      // shared with the test that holds it
  std::unique_ptr<rocksdb::Env> fault_env; // the environment on it, if any
  std::shared_ptr<stall_counter> stalls = std::make_shared<stall_counter>(); // with RocksDB
  rocksdb::DBOptions db;
  std::vector<rocksdb::ColumnFamilyDescriptor> families; // default, then the tables in their order
};

} // namespace kith::store
