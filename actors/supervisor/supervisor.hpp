// An actor that starts, watches and restarts children: one for one, one for all, or rest for one.
// It stops them in the reverse order of their start, and each gets until the deadline to drain.
#pragma once

#include "actors/base/messages.hpp"
#include "actors/base/tree_view.hpp"
#include "actors/supervisor/restart_policy.hpp"
#include "runtime/observe/logger.hpp"
#include "runtime/observe/metrics.hpp"

#include <map>
#include <set>

namespace kith {

struct supervisor_options {
  std::string path;                // in the tree view
  std::string kind = "supervisor"; // there, for people
  enum strategy strategy = strategy::one_for_one;
  // Past the limits the supervisor stops its children and ends with an error, which its parent
  // takes for a crash; the limits then count the crashes of all children together. False: the child
  // is given up, its siblings go on, and each child has limits of its own (ADR 9, ADR 15).
  bool escalates = false;
  restart_limits limits;
  duration stop_deadline =
      std::chrono::seconds(10); // of each child when it stops; then it is killed
  bool stop_together = false;   // children do not depend on one another: stop all at once
};

struct supervisor_ports {
  const clock& time;
  random_source& random;
  tree_view& view;
  observe::logger log;
  observe::registry* metrics = nullptr; // outlives the supervisors; null: nothing is counted
};

class supervisor final : public caf::event_based_actor {
public:
  supervisor(caf::actor_config& config, supervisor_options options, supervisor_ports ports);
  caf::behavior make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "kith.supervisor"; }

private:
  // Place among the siblings, then arrival.
  using place = std::pair<std::uint64_t, std::uint64_t>;
  struct child {
    child(child_spec s, const restart_limits& limits, place p)
        : spec(std::move(s)), policy(limits), at(p) {}
    child_spec spec;
    restart_policy policy;
    place at;
    caf::actor actor;
    bool stopping = false;   // was told to,
    bool at_once = false;    // and not to drain
    bool removed = false;    // and is to be forgotten
    bool failed = false;     // given up
    time_point restart_at{}; // one for one: waiting to be restarted
    time_point kill_at{};    // stopping, and no longer than this
    std::uint32_t restarts = 0;
    std::string reason;
  };
  // Children that are stopped and started again together: those from this place on.
  struct group {
    place from;
    time_point restart_at;
  };

  void add(child_spec spec);
  void adopt(adopt_child a);
  void fell_asleep(const child_sleeps& s);
  child* place_child(child_spec spec);
  void run(child& c, caf::actor actor);
  void remove(const std::string& child_name);
  void start(child& c);
  void down(const caf::down_msg& msg);
  void finished(child& c, const std::string& reason);
  void crashed(child& c, const std::string& reason);
  void give_up(child& c);
  void regroup(child& c, time_point restart_at);
  // Stops the last of the group that still runs; once none does, wakes up to start it.
  void stop_group();
  void start_group();
  bool in_group(const place& at) const { return group_ && at >= group_->from; }
  void begin_stop(bool drain);
  void stop_next();
  void stop(child& c);
  void tick();
  void wake(place at, time_point when);
  void forget(child& c);
  std::string path_of(const child& c) const { return options_.path + "/" + c.spec.name; }
  void note(const child& c, const std::string& state);
  void count(std::string_view what, const child& c, std::uint64_t times = 1);

  supervisor_options options_;
  supervisor_ports ports_;
  restart_policy policy_; // of all children together, if this one escalates
  std::map<place, child> children_;
  std::unordered_map<std::string, place> by_name_;
  std::unordered_map<caf::actor_addr, place> by_address_;
  std::set<place> running_;
  std::multimap<time_point, place> wakes_; // one for each that was asked for; late ones do nothing
  std::optional<group> group_;
  std::uint64_t arrivals_ = 0;
  bool stopping_ = false;
  bool drain_ = true;
  std::string gave_up_; // why this one ends by itself; empty: it does not
};

} // namespace kith
