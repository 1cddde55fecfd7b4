// When the fault layer strikes, and what a cut does to the files.
#include "runtime/store/fault_file_system.hpp"

namespace kith::store {

using rocksdb::IOStatus;

namespace {

// Counts down; true when the count reaches its end.
bool strikes(std::uint64_t& countdown) { return countdown > 0 && --countdown == 0; }

} // namespace

IOStatus fault_state::step(act what, std::uint64_t handle_generation) {
  if (down || handle_generation != generation) return IOStatus::IOError("the disk was cut off");
  if (what == act::other) return IOStatus::OK();
  ++(what == act::write ? counts.writes : counts.syncs);
  if (strikes(cut_in)) {
    cut(cut_how);
    return IOStatus::IOError("the disk was cut off");
  }
  if (what == act::sync) {
    if (!strikes(fail_sync_in)) return IOStatus::OK();
    ++counts.syncs_failed;
    return IOStatus::IOError("sync failed on purpose");
  }
  if (full) {
    ++counts.writes_failed;
    return IOStatus::NoSpace("full on purpose");
  }
  if (!strikes(fail_write_in)) return IOStatus::OK();
  ++counts.writes_failed;
  return IOStatus::IOError("write failed on purpose");
}

void fault_state::cut(tear how) {
  if (down) return;
  down = true;
  ++generation;
  ++counts.cuts;
  for (auto& [path, file] : files) {
    if (file->tail.empty()) continue;
    const auto kept = how == tear::prefix ? std::size_t(chance.below(file->tail.size() + 1)) : 0;
    if (kept > 0 && make_durable(*file, kept).ok()) ++counts.files_torn;
    counts.bytes_dropped += file->tail.size();
    file->tail.clear();
  }
  files.clear();
}

IOStatus fault_state::make_durable(fault_file& file, std::size_t count) {
  if (count == 0) return IOStatus::OK();
  auto s = file.real->Append(rocksdb::Slice(file.tail.data(), count), {}, nullptr);
  if (!s.ok()) return s;
  file.durable += count;
  file.tail.erase(0, count);
  return s;
}

} // namespace kith::store
