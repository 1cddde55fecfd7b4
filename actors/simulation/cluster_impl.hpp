// The inside of a simulated cluster. For this folder only.
#pragma once

#include "actors/node/core.hpp"
#include "actors/simulation/cluster.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <map>
#include <set>

namespace kith::simulation {

// A node's own idea of the time of day; what is monotonic is the same for all.
class skewed_clock final : public kith::clock {
public:
  explicit skewed_clock(const manual_clock& base) : base_(base) {}
  time_point now() const override { return base_.now(); }
  wall_ms wall() const override { return base_.wall() + ahead; }
  wall_ms ahead = 0;

private:
  const manual_clock& base_;
};

// What outlives the crashes of a node.
struct member {
  member(std::string name, secret_key its_key, const manual_clock& base, std::uint64_t seed)
      : host(std::move(name)), key(std::move(its_key)), time(base), random(seed) {}

  std::string host;
  secret_key key;
  skewed_clock time;
  seeded_random random;
  std::shared_ptr<store::memory_disk> disk = std::make_shared<store::memory_disk>(); // and backends
  std::unique_ptr<node_core> core;                                                   // null: down
  bool was_clean = true;
  bool skewed = false; // its clock, for good
  bool stopping = false;
  bool failed = false;   // it cannot go on, and dies at the next occasion
  bool put_back = false; // its disk is a backup, and its next start is told so
  std::size_t restores = 0;
  std::shared_ptr<bool> root_ended; // shared with what watches the root supervisor
  // Of its disk.
  bool full = false;
  duration sync_max{};
  time_point next_sync{};
};

struct way {
  bool cut = false, hole = false, slow = false, lossy = false;
};

struct cluster::impl {
  explicit impl(cluster_options o);
  ~impl();

  // ---- nodes
  void start(member& m);
  void crash(member& m);
  void stop(member& m);
  void bury(member& m);
  void put_back(member& m, std::shared_ptr<store::memory_disk> backup);
  config::settings settings_of(const member& m) const;

  // ---- time
  bool turn();
  void pass(time_point until);
  void settle();
  std::optional<time_point> next_instant();
  void after_sync(member& m);
  bool syncs_at_once(member& m);
  void note(std::uint64_t value);

  // ---- faults
  void begin(const fault& f);
  void end(const fault& f);
  void restore(const fault& f, std::shared_ptr<store::memory_disk> backup);
  void set_way(std::size_t a, std::size_t b);

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler());
  }

  cluster_options options;
  manual_clock time;
  seeded_random chance; // what happens first
  net::simulated_network net;
  std::vector<std::unique_ptr<member>> members;
  std::vector<std::unique_ptr<node_core>> graves; // until no actor can know them any more
  std::map<std::pair<std::size_t, std::size_t>, way> ways;
  std::multimap<time_point, std::function<void()>> agenda; // ends of faults, starts of nodes
  fault_counts injected{};
  std::set<std::string> stale_writes; // a sentence each
  std::uint64_t trace = 0, events = 0;
  std::uint64_t turns_now = 0; // since time passed
  caf::actor_system_config config;
  std::optional<caf::actor_system> system; // the last: it ends before what its actors know
};

} // namespace kith::simulation
