// An open RocksDB with our column families, and what it says of itself: what the backend, its
// backups and its verification share. Included by this folder's sources only.
#pragma once

#include "runtime/store/rocks_tuning.hpp"

#include <rocksdb/db.h>

namespace kith::store {

// In the default column family, where no caller's key can reach.
inline constexpr std::string_view position_key = "position"; // 8 bytes
inline constexpr std::string_view format_key = "format";     // 4 bytes
inline constexpr std::string_view clean_key = "clean";       // there or not

inline rocksdb::Slice view(byte_view b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}
inline byte_view view(const rocksdb::Slice& s) { return as_bytes({s.data(), s.size()}); }

// `doing` is a clause for a person: "reading". corrupt "store_corrupt", io "disk_full",
// "disk_failed".
error failed(const rocksdb::Status& s, std::string_view doing);

// What a store says of itself.
struct self_record {
  journal_position position = 0;
  std::optional<std::uint32_t> format;
  bool clean = false;
};

// An open database with its column families.
struct database {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*>
      families; // default, then the tables; the database owns them by us

  database() = default;
  database(database&&) = default;
  database& operator=(database&&) = default;
  ~database() { reset(); }
  rocksdb::Status reset() {
    if (!db) return {};
    for (auto* f : families) db->DestroyColumnFamilyHandle(f).PermitUncheckedError();
    families.clear();
    auto s = db->Close();
    db.reset();
    return s;
  }
  rocksdb::ColumnFamilyHandle* meta() const { return families.front(); }
  rocksdb::ColumnFamilyHandle* of(table t) const { return families[1 + std::size_t(t)]; }
};

// `tuning` must outlive it.
result<database> open_database(const rocks_tuning& tuning, const std::string& path, bool read_only);
// corrupt "store_corrupt", unsupported "store_format".
result<self_record> read_self(const database& d);
// What a store that holds `position` is to its witness: corrupt "store_behind_witness",
// "witness_damaged".
result<void> check_witness(const std::string& dir, journal_position position,
                           const std::optional<journal_position>& witness);

} // namespace kith::store
