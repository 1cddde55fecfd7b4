// The controls of the fault layer; the layer itself is fault_file_system.
#include "runtime/store/fault_disk.hpp"

#include "runtime/store/fault_file_system.hpp"

namespace kith::store {

fault_disk::fault_disk(options o) : file_system_(std::make_shared<fault_file_system>(o)) {}
fault_disk::~fault_disk() = default;

void fault_disk::cut(tear how) {
  auto& s = file_system_->state();
  std::lock_guard lock(s.mutex);
  s.cut(how);
}

void fault_disk::cut_at(std::uint64_t nth, tear how) {
  auto& s = file_system_->state();
  std::lock_guard lock(s.mutex);
  s.cut_in = nth;
  s.cut_how = how;
}

void fault_disk::restore() {
  auto& s = file_system_->state();
  std::lock_guard lock(s.mutex);
  s.down = false;
  s.cut_in = s.fail_write_in = s.fail_sync_in = 0;
}

bool fault_disk::is_cut() const {
  auto& s = file_system_->state();
  std::lock_guard lock(s.mutex);
  return s.down;
}

void fault_disk::fail_write(std::uint64_t nth) {
  auto& s = file_system_->state();
  std::lock_guard lock(s.mutex);
  s.fail_write_in = nth;
}

void fault_disk::fail_sync(std::uint64_t nth) {
  auto& s = file_system_->state();
  std::lock_guard lock(s.mutex);
  s.fail_sync_in = nth;
}

void fault_disk::set_full(bool full) {
  auto& s = file_system_->state();
  std::lock_guard lock(s.mutex);
  s.full = full;
}

fault_counts fault_disk::counts() const {
  auto& s = file_system_->state();
  std::lock_guard lock(s.mutex);
  return s.counts;
}

} // namespace kith::store
