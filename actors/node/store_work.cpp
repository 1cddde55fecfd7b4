#include "actors/node/store_work.hpp"

namespace kith {

result<void> store_work::begin(report fresh, std::function<void(report&)> run,
                               std::function<void(const report&)> ended) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(errc::unavailable, "stopping", "the node is stopping");
  if (last_.state == state::running)
    return fail(errc::conflict, "store_busy",
                last_.what == kind::backup
                    ? "a backup to " + last_.to.string() + " is being made; wait until it is done"
                    : "the store is being verified; wait until that is done");
  if (thread_.joinable()) thread_.join(); // it has ended but for its return
  fresh.state = state::running;
  fresh.started = time_.wall();
  last_ = fresh;
  thread_ = std::thread(
      [this, fresh = std::move(fresh), run = std::move(run), ended = std::move(ended)]() mutable {
        run(fresh);
        fresh.ended = time_.wall();
        if (ended) ended(fresh);
        const std::lock_guard inner(mutex_);
        fresh.bytes = std::max(fresh.bytes, last_.bytes);
        last_ = std::move(fresh);
      });
  return {};
}

bool store_work::on(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  last_.bytes = bytes;
  return !stopping_;
}

result<void> store_work::begin_backup(backup::subject of, backup::take_options how,
                                      std::function<void(const report&)> ended) {
  report fresh;
  fresh.what = kind::backup;
  fresh.to = how.to;
  how.progress = [this](std::uint64_t bytes) { return on(bytes); };
  return begin(
      std::move(fresh),
      [this, of = std::move(of), how = std::move(how)](report& r) {
        auto made = backup::take(disk_, of, how, time_, random_);
        r.state = made ? state::done : state::failed;
        if (made)
          r.made = std::move(*made);
        else
          r.why = made.error();
      },
      std::move(ended));
}

result<void> store_work::begin_verification(std::function<void(const report&)> ended) {
  report fresh;
  fresh.what = kind::verification;
  return begin(
      std::move(fresh),
      [this](report& r) {
        auto checked = disk_.verify([this](std::uint64_t bytes) { return on(bytes); });
        r.state = checked ? state::done : state::failed;
        if (checked)
          r.checked = std::move(*checked);
        else
          r.why = checked.error();
      },
      std::move(ended));
}

store_work::report store_work::look() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void store_work::stop() {
  std::thread running;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    std::swap(running, thread_);
  }
  if (running.joinable()) running.join();
}

} // namespace kith
