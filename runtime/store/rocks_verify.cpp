#include "runtime/store/rocks_verify.hpp"

#include "runtime/store/rocks_backend.hpp"
#include "runtime/store/state_lock.hpp"
#include "runtime/store/witness_file.hpp"

#include <rocksdb/file_checksum.h>
#include <rocksdb/sst_file_reader.h>

namespace kith::store {

namespace {

constexpr std::size_t portion_bytes = 1 << 20;
constexpr std::size_t damage_max = 1000; // listed; then it ends early

// The database keeps files that it would delete, for as long as this lives.
class held_files {
public:
  explicit held_files(const database* of) : of_(of) {
    if (of_) status_ = of_->db->DisableFileDeletions();
  }
  held_files(const held_files&) = delete;
  ~held_files() {
    // Counted: another holder, such as a backup, keeps its own.
    if (of_ && status_.ok()) of_->db->EnableFileDeletions(false).PermitUncheckedError();
  }
  const rocksdb::Status& status() const { return status_; }

private:
  const database* of_;
  rocksdb::Status status_;
};

struct reading {
  store_verification& out;
  const verification_progress& progress;
  result<void> go_on() const {
    if (!progress || progress(out.bytes)) return {};
    return fail(errc::cancelled, "verify_stopped", "verifying was stopped");
  }
};

// The checksum that `name` stands for, over all bytes of the file; "" if that is not known.
result<std::string> checksum_of(rocksdb::Env& env, const std::string& file, const std::string& name,
                                reading& how) {
  rocksdb::FileChecksumGenContext wanted;
  wanted.file_name = file;
  wanted.requested_checksum_func_name = name;
  const auto sum = rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator(wanted);
  if (!sum) return std::string();
  std::unique_ptr<rocksdb::SequentialFile> in;
  if (auto s = env.NewSequentialFile(file, &in, {}); !s.ok()) return fail(failed(s, file));
  std::string scratch(portion_bytes, '\0');
  for (;;) {
    rocksdb::Slice got;
    if (auto s = in->Read(portion_bytes, &got, scratch.data()); !s.ok())
      return fail(failed(s, file));
    if (got.empty()) break;
    sum->Update(got.data(), got.size());
    how.out.bytes += got.size();
    KITH_TRY(how.go_on());
  }
  sum->Finalize();
  return sum->GetChecksum();
}

// Of a file that was written before its checksum was kept: that of each of its blocks.
rocksdb::Status check_blocks(const rocks_tuning& tuning, const std::string& file) {
  rocksdb::Options o(tuning.read_only(), tuning.families.back().options);
  rocksdb::SstFileReader table(o);
  auto s = table.Open(file);
  return s.ok() ? table.VerifyChecksum() : s;
}

result<void> check_table(const rocks_tuning& tuning, const rocksdb::LiveFileMetaData& f,
                         reading& how) {
  const auto file = f.directory + "/" + f.relative_filename;
  auto damaged = [&](const std::string& what) {
    how.out.damage.push_back(
        {"db/" + f.relative_filename, what + " (table " + f.column_family_name + ")"});
  };
  ++how.out.files;
  const auto known = f.file_checksum_func_name != rocksdb::kUnknownFileChecksumFuncName &&
                     !f.file_checksum.empty();
  if (!known) {
    how.out.bytes += f.size;
    if (auto s = check_blocks(tuning, file); !s.ok()) damaged(s.ToString());
    return how.go_on();
  }
  auto sum = checksum_of(*tuning.db.env, file, f.file_checksum_func_name, how);
  if (!sum && sum.error().category == errc::cancelled) return fail(sum.error());
  if (!sum)
    damaged(sum.error().context);
  else if (*sum != f.file_checksum)
    damaged("its checksum is not the one that it was written with");
  return {};
}

// Once more, beside whoever has it open.
result<self_record> open_copy(const rocks_tuning& tuning, const std::string& path,
                              rocksdb::WALRecoveryMode mode, database& d) {
  auto o = tuning.read_only();
  o.wal_recovery_mode = mode;
  rocksdb::DB* raw = nullptr;
  const auto s = rocksdb::DB::OpenForReadOnly(o, path, tuning.families, &d.families, &raw);
  d.db.reset(raw);
  if (!s.ok()) return fail(failed(s, path));
  return read_self(d);
}

// A start takes a damaged record of the log for its end. This takes only one that is cut off for
// that, as a crash leaves it, or as one looks that is being written; and what follows in a later
// log, which a start would not get to, shows by the position.
void check_log(const rocks_tuning& tuning, const std::string& path, bool live,
               store_verification& out) {
  database strict;
  const auto self =
      open_copy(tuning, path, rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords, strict);
  if (!self)
    out.damage.push_back(
        {"db", "its log is damaged behind position " + std::to_string(out.position) +
                   "; what came after that is lost, or was never synced: " + self.error().context});
  else if (self->position > out.position && !live)
    out.damage.push_back(
        {"db", "its log lacks something behind position " + std::to_string(out.position)});
}

} // namespace

result<store_verification> verify_files(const rocks_tuning& tuning, const std::string& path,
                                        const database* live, journal_position floor,
                                        const verification_progress& progress) {
  store_verification out;
  reading how{out, progress};
  const held_files held(live);
  if (!held.status().ok()) return fail(failed(held.status(), "keeping the files of " + path));
  database d;
  const auto self = open_copy(tuning, path, rocksdb::WALRecoveryMode::kPointInTimeRecovery, d);
  if (!self) {
    out.damage.push_back({"db", "it does not open: " + self.error().context});
  } else {
    out.position = self->position;
    if (out.position < floor)
      out.damage.push_back({"db", "it opens with position " + std::to_string(out.position) +
                                      ", and " + std::to_string(floor) + " was synced"});
    check_log(tuning, path, live != nullptr, out);
  }
  // Also of one that does not open any more: which of its files it is.
  std::vector<rocksdb::LiveFileMetaData> tables;
  auto* of = d.db ? d.db.get() : live ? live->db.get() : nullptr;
  if (of == nullptr) return out;
  of->GetLiveFilesMetaData(&tables);
  for (const auto& f : tables) {
    KITH_TRY(check_table(tuning, f, how));
    if (out.damage.size() >= damage_max) break;
  }
  rocksdb::VectorLogPtr logs;
  if (auto s = of->GetSortedWalFiles(logs); s.ok())
    for (const auto& l : logs) ++out.files, out.bytes += l->SizeFileBytes();
  return out;
}

result<store_verification> verify_store(const std::filesystem::path& dir,
                                        const verification_progress& progress) {
  KITH_ASSIGN(const auto lock, state_lock::take(dir, state_lock::mode::shared));
  const rocks_tuning tuning{rocks_options{}};
  const auto path = (dir / "db").string();
  if (auto s = tuning.db.env->FileExists(path + "/CURRENT"); s.IsNotFound()) {
    std::error_code ec;
    if (!std::filesystem::exists(dir / "witness", ec))
      return fail(errc::not_found, "store_missing", "there is no store in " + dir.string());
  }
  const witness_file witness(*tuning.db.env->GetFileSystem(), dir.string());
  const auto seen = witness.read();
  KITH_ASSIGN(auto out, verify_files(tuning, path, nullptr, seen && *seen ? **seen : 0, progress));
  ++out.files;
  if (!seen)
    out.damage.push_back({"witness", seen.error().context});
  else if (!*seen && out.position > 0)
    out.damage.push_back({"witness", "it is gone"});
  return out;
}

} // namespace kith::store
