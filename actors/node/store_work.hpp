// What goes on for long with the store of a running node: a backup, or a verification. One at a
// time, on a thread of its own; who asked looks again how far it is.
#pragma once

#include "runtime/backup/backups.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <variant>

namespace kith {

// Thread-safe.
class store_work {
public:
  enum class state { none, running, done, failed };
  enum class kind { backup, verification };

  struct report {
    kind what = kind::backup;
    enum state state = state::none;
    std::uint64_t bytes = 0; // copied or read so far
    wall_ms started = 0, ended = 0;
    std::filesystem::path to;          // of a backup
    error why;                         // failed
    backup::manifest made;             // of a backup that is done
    store::store_verification checked; // of a verification that is done
  };

  // All outlive it.
  store_work(store::rocks_backend& disk, const clock& time, random_source& random)
      : disk_(disk), time_(time), random_(random) {}
  ~store_work() { stop(); }

  // conflict "store_busy" while another one runs; unavailable "stopping".
  result<void> begin_backup(backup::subject of, backup::take_options how,
                            std::function<void(const report&)> ended);
  result<void> begin_verification(std::function<void(const report&)> ended);
  // Of the last one that was begun.
  report look() const;
  // Ends what runs, and lets nothing more begin. Waits for that.
  void stop();

private:
  result<void> begin(report fresh, std::function<void(report&)> run,
                     std::function<void(const report&)> ended);
  bool on(std::uint64_t bytes);

  store::rocks_backend& disk_;
  const clock& time_;
  random_source& random_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_; // guards from here
  report last_;
  std::thread thread_;
};

} // namespace kith
