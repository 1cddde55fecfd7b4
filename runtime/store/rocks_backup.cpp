// RocksDB's backup engine. A backup flushes first, so that little of it is log, which no other
// backup can share; then it is opened once, read-only, from where it lies: what comes up is its
// position, and proves that it does come up.
#include "runtime/store/rocks_backup.hpp"

#include "runtime/store/rocks_backend.hpp"
#include "runtime/store/witness_file.hpp"

#include <atomic>
#include <rocksdb/utilities/backup_engine.h>

namespace kith::store {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t progress_bytes = 1 << 20; // copied between two calls
constexpr std::size_t check_cache_bytes = 1 << 20;

using engine = std::unique_ptr<rocksdb::BackupEngine>;
using reader = std::unique_ptr<rocksdb::BackupEngineReadOnly>;

rocksdb::BackupEngineOptions options_for(const fs::path& dir) {
  rocksdb::BackupEngineOptions o(dir.string());
  o.backup_env = rocksdb::Env::Default();
  o.share_table_files = o.share_files_with_checksum = true;
  o.sync = true;
  o.callback_trigger_interval_size = progress_bytes;
  return o;
}

error backup_failed(const rocksdb::Status& s, const std::string& doing) {
  if (s.IsCorruption()) return {errc::corrupt, "backup_damaged", doing + ": " + s.ToString()};
  if (s.IsNotFound()) return {errc::not_found, "unknown_backup", doing + ": " + s.ToString()};
  return failed(s, doing);
}

std::string naming(const fs::path& dir, backup_id id) {
  return "backup " + std::to_string(id) + " in " + dir.string();
}

result<engine> open_engine(const rocksdb::BackupEngineOptions& o) {
  rocksdb::BackupEngine* raw = nullptr;
  const auto s = rocksdb::BackupEngine::Open(o, rocksdb::Env::Default(), &raw);
  engine out(raw);
  if (!s.ok()) return fail(backup_failed(s, "opening the backups in " + o.backup_dir));
  return out;
}

result<reader> open_reader(const fs::path& dir) {
  rocksdb::BackupEngineReadOnly* raw = nullptr;
  const auto s =
      rocksdb::BackupEngineReadOnly::Open(options_for(dir), rocksdb::Env::Default(), &raw);
  reader out(raw);
  if (!s.ok()) return fail(backup_failed(s, "opening the backups in " + dir.string()));
  return out;
}

std::uint64_t bytes_in(const fs::path& dir) {
  std::uint64_t sum = 0;
  std::error_code ec;
  for (fs::recursive_directory_iterator it(dir, ec), end; !ec && it != end; it.increment(ec)) {
    std::error_code gone; // a file that goes while it is looked at counts nothing
    const auto size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
    if (!gone) sum += size;
  }
  return sum;
}

// Opens the backup where it lies, and says what it holds.
result<self_record> look_into(const rocksdb::BackupInfo& info) {
  rocks_options small;
  small.block_cache_bytes = check_cache_bytes;
  rocks_tuning tuning(small);
  tuning.db.env = info.env_for_open.get();
  KITH_ASSIGN(auto d, open_database(tuning, info.name_for_open, true));
  return read_self(d);
}

result<backup_copy> describe(const rocksdb::BackupEngineReadOnlyBase& of, const fs::path& dir,
                             backup_id id) {
  rocksdb::BackupInfo info;
  if (auto s = of.GetBackupInfo(id, &info, true); !s.ok())
    return fail(backup_failed(s, naming(dir, id)));
  KITH_ASSIGN(const auto self, look_into(info));
  return backup_copy{id, self.position, info.size, 0, info.number_files};
}

} // namespace

result<backup_copy> back_up(const rocks_tuning& tuning, const database& from,
                            const backup_request& request, journal_position floor) {
  auto o = options_for(request.to);
  o.backup_rate_limit = request.bytes_per_s;
  rocksdb::BackupEngine* raw = nullptr;
  const auto doing = "backing up to " + request.to.string();
  if (auto s = rocksdb::BackupEngine::Open(o, tuning.db.env, &raw); !s.ok())
    return fail(backup_failed(s, doing));
  const engine to(raw);
  const auto shared = request.to / "shared_checksum";
  const auto before = bytes_in(shared);

  std::atomic<std::uint64_t> copied{0};
  rocksdb::CreateBackupOptions how;
  how.flush_before_backup = true;
  how.progress_callback = [&] {
    copied += progress_bytes;
    if (request.progress && !request.progress(copied)) to->StopBackup();
  };
  backup_id id = 0;
  if (request.progress && !request.progress(0))
    return fail(errc::cancelled, "backup_stopped", doing + " was stopped");
  if (auto s = to->CreateNewBackup(how, from.db.get(), &id); !s.ok()) {
    if (s.IsIncomplete()) return fail(errc::cancelled, "backup_stopped", doing + " was stopped");
    return fail(backup_failed(s, doing));
  }
  auto made = describe(*to, request.to, id);
  if (made && made->position < floor)
    made = fail(errc::corrupt, "backup_incomplete",
                naming(request.to, id) + " opens with position " + std::to_string(made->position) +
                    ", the store had synced " + std::to_string(floor));
  if (!made) {
    to->DeleteBackup(id).PermitUncheckedError(); // the next backup tries to erase it again
    return fail(made.error());
  }
  const auto after = bytes_in(shared);
  made->bytes_new =
      (after > before ? after - before : 0) + bytes_in(request.to / "private" / std::to_string(id));
  return *made;
}

namespace backups {

result<std::vector<backup_id>> list(const fs::path& dir) {
  std::vector<backup_id> out;
  std::error_code ec;
  if (!fs::is_directory(dir / "meta", ec)) return out;
  KITH_ASSIGN(const auto all, open_reader(dir));
  std::vector<rocksdb::BackupInfo> found;
  all->GetBackupInfo(&found);
  for (const auto& info : found) out.push_back(info.backup_id);
  return out;
}

fs::path meta_file(const fs::path& dir, backup_id id) { return dir / "meta" / std::to_string(id); }

result<void> verify(const fs::path& dir, backup_id id) {
  KITH_ASSIGN(const auto all, open_reader(dir));
  if (auto s = all->VerifyBackup(id, true); !s.ok())
    return fail(backup_failed(s, "reading " + naming(dir, id)));
  return {};
}

result<void> erase(const fs::path& dir, backup_id id) {
  KITH_ASSIGN(const auto all, open_engine(options_for(dir)));
  if (auto s = all->DeleteBackup(id); !s.ok())
    return fail(backup_failed(s, "erasing " + naming(dir, id)));
  return {};
}

result<void> restore(const fs::path& dir, backup_id id, const fs::path& into,
                     journal_position position) {
  KITH_ASSIGN(const auto all, open_reader(dir));
  const auto db = (into / "db").string();
  if (auto s = all->RestoreDBFromBackup(rocksdb::RestoreOptions(), id, db, db); !s.ok())
    return fail(backup_failed(s, "restoring " + naming(dir, id)));
  witness_file witness(*rocksdb::Env::Default()->GetFileSystem(), into.string());
  KITH_TRY(witness.write(position));
  KITH_ASSIGN(const auto store, rocks_backend::open(into, {.read_only = true}));
  if (store->recovered() != position)
    return fail(errc::corrupt, "backup_incomplete",
                naming(dir, id) + " opens with position " + std::to_string(store->recovered()) +
                    ", and not with " + std::to_string(position) + " as when it was made");
  return {};
}

} // namespace backups

} // namespace kith::store
