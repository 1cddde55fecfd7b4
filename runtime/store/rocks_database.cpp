#include "runtime/store/rocks_database.hpp"

namespace kith::store {

error failed(const rocksdb::Status& s, std::string_view doing) {
  const auto context = std::string(doing) + ": " + s.ToString();
  if (s.IsCorruption()) return {errc::corrupt, "store_corrupt", context};
  if (s.IsNoSpace()) return {errc::io, "disk_full", context};
  return {errc::io, "disk_failed", context};
}

result<database> open_database(const rocks_tuning& tuning, const std::string& path,
                               bool read_only) {
  database d;
  rocksdb::DB* raw = nullptr;
  const auto s = read_only ? rocksdb::DB::OpenForReadOnly(tuning.read_only(), path, tuning.families,
                                                          &d.families, &raw)
                           : rocksdb::DB::Open(tuning.db, path, tuning.families, &d.families, &raw);
  d.db.reset(raw);
  if (!s.ok()) return fail(failed(s, "opening " + path));
  return d;
}

result<self_record> read_self(const database& d) {
  self_record self;
  std::string value;
  auto damaged = [](std::string_view key) {
    return fail(errc::corrupt, "store_corrupt",
                "the store's record of its " + std::string(key) + " is damaged");
  };
  for (auto key : {position_key, format_key, clean_key}) {
    auto s = d.db->Get({}, d.meta(), key, &value);
    if (s.IsNotFound()) continue;
    if (!s.ok()) return fail(failed(s, "reading the store's records"));
    byte_reader in(as_bytes(value));
    if (key == position_key)
      self.position = in.u64();
    else if (key == format_key)
      self.format = in.u32();
    else
      self.clean = true;
    if (!in.ok()) return damaged(key);
  }
  if (self.format && *self.format > rocks_backend::format)
    return fail(errc::unsupported, "store_format",
                "the store has format " + std::to_string(*self.format) +
                    ", this Kith knows up to " + std::to_string(rocks_backend::format));
  if (self.position > 0 && !self.format) return damaged(format_key);
  return self;
}

result<void> check_witness(const std::string& dir, journal_position position,
                           const std::optional<journal_position>& witness) {
  if (witness && position < *witness)
    return fail(errc::corrupt, "store_behind_witness",
                dir + ": the store recovered to position " + std::to_string(position) +
                    ", its witness saw " + std::to_string(*witness) + "; restore it from a backup");
  if (!witness && position > 0)
    return fail(errc::corrupt, "witness_damaged",
                dir + ": the store holds position " + std::to_string(position) +
                    " and its witness is gone");
  return {};
}

} // namespace kith::store
