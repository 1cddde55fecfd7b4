// "KWIT", version (2 bytes), position (8), FNV-1a 64 of what precedes (8); big-endian, 22 bytes in
// all.
#include "runtime/store/witness_file.hpp"

#include "runtime/base/bytes.hpp"

namespace kith::store {

namespace {

constexpr std::string_view magic = "KWIT";
constexpr std::size_t record_size = 22;

// Against accidents, not against people.
std::uint64_t checksum(byte_view b) {
  std::uint64_t h = 14695981039346656037u;
  for (auto octet : b) h = (h ^ octet) * 1099511628211u;
  return h;
}

error failed(const rocksdb::IOStatus& s, const std::string& path) {
  return {errc::io, s.subcode() == rocksdb::Status::kNoSpace ? "disk_full" : "disk_failed",
          path + ": " + s.ToString()};
}

} // namespace

result<std::optional<journal_position>> witness_file::read() const {
  auto found = fs_.FileExists(path_, {}, nullptr);
  if (found.IsNotFound()) return std::nullopt;
  if (!found.ok()) return fail(failed(found, path_));
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  if (auto s = fs_.NewSequentialFile(path_, {}, &file, nullptr); !s.ok())
    return fail(failed(s, path_));
  char scratch[record_size + 1];
  rocksdb::Slice got;
  if (auto s = file->Read(sizeof scratch, {}, &got, scratch, nullptr); !s.ok())
    return fail(failed(s, path_));

  auto damaged = [&] {
    return fail(errc::corrupt, "witness_damaged",
                path_ + " is not what was written; restore the store from a backup");
  };
  const auto all = as_bytes({got.data(), got.size()});
  byte_reader in(all);
  if (as_text(in.take(magic.size())) != magic) return damaged();
  const auto written_version = in.u16();
  if (in.ok() && written_version > version)
    return fail(errc::unsupported, "witness_format", path_ + " was written by a newer Kith");
  const auto position = in.u64();
  const auto sum = in.u64();
  if (!in.ok() || !in.at_end() || sum != checksum(all.first(record_size - 8))) return damaged();
  return position;
}

result<void> witness_file::write(journal_position position) {
  bytes record = to_bytes(as_bytes(magic));
  put_u16(record, version);
  put_u64(record, position);
  put_u64(record, checksum(record));

  const auto temporary = path_ + ".new";
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto s = fs_.NewWritableFile(temporary, {}, &file, nullptr);
  const auto text = as_text(record);
  if (s.ok()) s = file->Append(rocksdb::Slice(text.data(), text.size()), {}, nullptr);
  if (s.ok()) s = file->Sync({}, nullptr);
  if (s.ok()) s = file->Close({}, nullptr);
  if (s.ok()) s = fs_.RenameFile(temporary, path_, {}, nullptr);
  std::unique_ptr<rocksdb::FSDirectory> dir;
  if (s.ok()) s = fs_.NewDirectory(dir_, {}, &dir, nullptr);
  if (s.ok()) s = dir->Fsync({}, nullptr);
  if (!s.ok()) return fail(failed(s, path_));
  return {};
}

} // namespace kith::store
