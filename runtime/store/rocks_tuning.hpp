// RocksDB's settings, and why each is as it is. Included by this folder's sources only.
#pragma once

#include "runtime/store/rocks_backend.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>

namespace kith::store {

struct rocks_tuning {
  explicit rocks_tuning(const rocks_options& o);

  // The same for a reader that must leave no trace, not even a log file.
  rocksdb::DBOptions read_only() const;

  std::shared_ptr<fault_disk> faults;      // shared with the test that holds it
  std::unique_ptr<rocksdb::Env> fault_env; // the environment on it, if any
  rocksdb::DBOptions db;
  std::vector<rocksdb::ColumnFamilyDescriptor> families; // default, then the tables in their order
};

} // namespace kith::store
