// An actor that starts, watches and restarts children, one for one: a crash of one child touches no
// other. It stops them in the reverse order of their start, and each gets until the deadline to
// drain.
#pragma once

#include "actors/base/messages.hpp"
#include "actors/base/tree_view.hpp"
#include "actors/supervisor/restart_policy.hpp"
#include "runtime/observe/logger.hpp"

#include <map>

namespace kith {

struct supervisor_options {
  std::string path; // in the tree view
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
};

class supervisor final : public caf::event_based_actor {
public:
  supervisor(caf::actor_config& config, supervisor_options options, supervisor_ports ports);
  caf::behavior make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "kith.supervisor"; }

private:
  struct child {
    child_spec spec;
    restart_policy policy;
    caf::actor actor;
    std::uint64_t order = 0; // of its start
    time_point restart_at{}; // waiting to be restarted
    time_point kill_at{};    // stopping, and no longer than this
    std::string reason;
  };

  void add(child_spec spec);
  void start(child& c);
  void down(const caf::down_msg& msg);
  void crashed(child& c, const std::string& reason);
  void begin_stop(bool drain);
  void stop_next();
  void stop(child& c);
  void tick();
  void schedule(duration after);
  void note(const child& c, const std::string& state);

  supervisor_options options_;
  supervisor_ports ports_;
  std::map<std::string, child> children_;
  std::unordered_map<caf::actor_addr, std::string> by_address_;
  std::uint64_t next_order_ = 1;
  bool stopping_ = false;
  bool drain_ = true;
};

} // namespace kith
