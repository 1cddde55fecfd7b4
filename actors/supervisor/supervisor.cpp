#include "actors/supervisor/supervisor.hpp"

#include <algorithm>

namespace kith {

namespace {

constexpr duration undrained_deadline = std::chrono::milliseconds(100);

} // namespace

supervisor::supervisor(caf::actor_config& config, supervisor_options options,
                       supervisor_ports ports)
    : caf::event_based_actor(config), options_(std::move(options)), ports_(std::move(ports)),
      policy_(options_.limits) {
  set_down_handler([this](caf::down_msg& msg) { down(msg); });
  // A supervisor outlives its parent's exit signals only through the ordered stop.
  set_exit_handler([this](caf::exit_msg& msg) {
    if (msg.reason == caf::exit_reason::kill) quit(msg.reason);
  });
}

caf::behavior supervisor::make_behavior() {
  ports_.view.set_state(options_.path, options_.kind, "running");
  return {
      [this](child_spec& spec) { add(std::move(spec)); },
      [this](adopt_child& a) { adopt(std::move(a)); },
      [this](child_sleeps& s) { fell_asleep(s); },
      [this](remove_child& r) { remove(r.name); },
      [this](supervisor_tick&) { tick(); },
      [this](stop_child& s) { begin_stop(s.drain); },
  };
}

// A supervisor that is killed takes its branch with it. Not by linking: a child that is killed
// would take us.
void supervisor::on_exit() {
  for (auto& [at, c] : children_) {
    if (c.actor) anon_send_exit(c.actor, caf::exit_reason::kill);
    ports_.view.erase(path_of(c));
  }
  children_.clear(); // they know us, or somebody who does
}

void supervisor::note(const child& c, const std::string& state) {
  ports_.view.set(path_of(c), {c.spec.kind, state, c.restarts, c.reason});
}

// By its kind: as many as there are types of agents.
void supervisor::count(std::string_view what, const child& c, std::uint64_t times) {
  if (ports_.metrics != nullptr) ports_.metrics->count(what, {{"kind", c.spec.kind}}).add(times);
}

// Null: it is not taken. The same child twice is one child.
supervisor::child* supervisor::place_child(child_spec spec) {
  if (stopping_ || by_name_.count(spec.name) != 0) return nullptr;
  auto order = spec.order;
  if (order == 0 && !children_.empty()) order = children_.rbegin()->first.first;
  place at{order, ++arrivals_};
  by_name_.emplace(spec.name, at);
  auto& c = children_.emplace(at, child(std::move(spec), options_.limits, at)).first->second;
  for (auto what : {"kith_restarts_total", "kith_given_up_total"}) count(what, c, 0); // 0 is seen
  return &c;
}

void supervisor::add(child_spec spec) {
  auto* c = place_child(std::move(spec));
  if (c == nullptr) return;
  if (in_group(c->at)) return note(*c, "restarting");
  start(*c);
}

void supervisor::adopt(adopt_child a) {
  auto* c = place_child(std::move(a.spec));
  if (c == nullptr) return anon_send_exit(a.actor, caf::exit_reason::kill);
  run(*c, std::move(a.actor));
  stop_group(); // it woke among siblings that are being stopped
}

void supervisor::fell_asleep(const child_sleeps& s) {
  auto known = by_name_.find(s.name);
  if (known == by_name_.end()) return;
  auto& c = children_.at(known->second);
  if (c.actor != s.actor) return;
  demonitor(c.actor);
  by_address_.erase(c.actor.address());
  running_.erase(c.at);
  ports_.view.erase(path_of(c));
  forget(c);
  if (stopping_) return stop_next();
  stop_group();
}

void supervisor::remove(const std::string& child_name) {
  auto known = by_name_.find(child_name);
  if (stopping_ || known == by_name_.end()) return;
  auto& c = children_.at(known->second);
  c.removed = true;
  if (c.actor) return stop(c);
  ports_.view.erase(path_of(c));
  forget(c);
}

void supervisor::forget(child& c) {
  auto at = c.at;
  by_name_.erase(c.spec.name);
  children_.erase(at);
}

void supervisor::start(child& c) {
  c.restart_at = {};
  try {
    c.actor = c.spec.start(system());
  } catch (const std::exception& e) {
    crashed(c, e.what());
    return;
  }
  run(c, c.actor);
}

void supervisor::run(child& c, caf::actor actor) {
  c.actor = std::move(actor);
  by_address_[c.actor.address()] = c.at;
  running_.insert(c.at);
  monitor(c.actor);
  note(c, "running");
}

void supervisor::down(const caf::down_msg& msg) {
  auto known = by_address_.find(msg.source);
  if (known == by_address_.end()) return;
  auto at = known->second;
  by_address_.erase(known);
  running_.erase(at);
  auto& c = children_.at(at); // one that runs is not forgotten
  c.actor = nullptr;
  c.kill_at = {};
  const bool told = std::exchange(c.stopping, false);
  const bool in_order = !msg.reason || msg.reason == caf::exit_reason::normal;
  if (stopping_ || c.removed) {
    ports_.view.erase(path_of(c));
    forget(c);
    return stopping_ ? stop_next() : stop_group();
  }
  const bool ends = in_order && !told && c.spec.restart != restart::permanent;
  if (ends || c.spec.restart == restart::temporary) {
    finished(c, told       ? "stopped with its siblings"
                : in_order ? std::string()
                           : reason_text(msg.reason));
    return stop_group();
  }
  if (!in_group(at)) return crashed(c, in_order ? "ended" : reason_text(msg.reason));
  if (!told) c.reason = reason_text(msg.reason); // crashed while its siblings were being stopped
  note(c, "restarting");
  stop_group();
}

// It is not to be started again, and that is nobody's matter but its own.
void supervisor::finished(child& c, const std::string& reason) {
  c.reason = reason;
  if (reason.empty()) {
    note(c, "stopped");
  } else {
    ports_.log.warn("temporary child ended", {{"child", path_of(c)}, {"reason", reason}});
    note(c, "failed");
    if (c.spec.gave_up) c.spec.gave_up(reason);
  }
  forget(c);
}

void supervisor::crashed(child& c, const std::string& reason) {
  c.reason = reason;
  auto& policy = options_.escalates ? policy_ : c.policy;
  auto delay = policy.crashed(ports_.time.now(), ports_.random);
  if (!delay) return give_up(c);
  ports_.log.warn("child crashed", {{"child", path_of(c)}, {"reason", reason}});
  ++c.restarts;
  count("kith_restarts_total", c);
  note(c, "restarting");
  auto restart_at = ports_.time.now() + *delay;
  if (options_.strategy != strategy::one_for_one) return regroup(c, restart_at);
  c.restart_at = restart_at;
  wake(c.at, restart_at);
}

void supervisor::give_up(child& c) {
  ports_.log.error("child given up", {{"child", path_of(c)}, {"reason", c.reason}});
  c.failed = true;
  note(c, "failed");
  count("kith_given_up_total", c);
  if (c.spec.gave_up) c.spec.gave_up(c.reason);
  if (!options_.escalates) return;
  gave_up_ = "gave up " + c.spec.name + ", which crashed too often: " + c.reason;
  begin_stop(true);
}

void supervisor::regroup(child& c, time_point restart_at) {
  auto from = options_.strategy == strategy::one_for_all ? place{} : c.at;
  if (group_) {
    from = std::min(from, group_->from);
    restart_at = std::max(restart_at, group_->restart_at);
  }
  group_ = group{from, restart_at};
  stop_group();
}

void supervisor::stop_group() {
  if (!group_ || stopping_) return;
  if (!running_.empty() && in_group(*running_.rbegin())) {
    auto& last = children_.at(*running_.rbegin());
    if (!last.stopping) stop(last);
    return;
  }
  wake(group_->from, group_->restart_at);
}

void supervisor::start_group() {
  auto from = std::exchange(group_, std::nullopt)->from;
  for (auto it = children_.lower_bound(from); it != children_.end();) {
    auto& c = (it++)->second;
    if (c.failed) continue;
    start(c);
    if (group_ || stopping_) return; // it failed, and the whole begins anew
  }
}

void supervisor::wake(place at, time_point when) {
  auto now = ports_.time.now();
  wakes_.emplace(when, at);
  delayed_send(this, when > now ? when - now : duration(0), supervisor_tick{});
}

void supervisor::tick() {
  auto now = ports_.time.now();
  std::vector<place> due;
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    due.push_back(wakes_.begin()->second);
    wakes_.erase(wakes_.begin());
  }
  for (auto at : due) {
    auto found = children_.find(at);
    if (found == children_.end()) continue;
    auto& c = found->second;
    if (c.kill_at != time_point{} && c.kill_at <= now && c.actor) {
      ports_.log.warn("child killed at its deadline", {{"child", path_of(c)}});
      anon_send_exit(c.actor, caf::exit_reason::kill);
      c.kill_at = {};
    } else if (!stopping_ && c.restart_at != time_point{} && c.restart_at <= now) {
      start(c);
    }
  }
  const bool down = running_.empty() || !in_group(*running_.rbegin());
  if (group_ && !stopping_ && down && group_->restart_at <= now) start_group();
}

void supervisor::begin_stop(bool drain) {
  drain_ = drain_ && drain;
  if (stopping_ && drain) return;
  stopping_ = true;
  group_.reset();
  ports_.view.set_state(options_.path, options_.kind, "stopping");
  for (auto it = children_.begin(); it != children_.end();) {
    auto& c = (it++)->second;
    if (c.actor) continue;
    ports_.view.erase(path_of(c));
    forget(c);
  }
  if (options_.stop_together || !drain_)
    for (auto& [at, c] : children_) stop(c);
  stop_next();
}

void supervisor::stop(child& c) {
  if (c.stopping && (drain_ || c.at_once)) return;
  c.stopping = true;
  c.at_once = !drain_;
  anon_send(c.actor, stop_child{drain_});
  if (drain_ && c.spec.supervises) return;
  c.kill_at = ports_.time.now() + (drain_ ? options_.stop_deadline : undrained_deadline);
  wake(c.at, c.kill_at);
}

void supervisor::stop_next() {
  if (!children_.empty()) return stop(children_.rbegin()->second);
  ports_.view.erase(options_.path);
  if (gave_up_.empty())
    quit();
  else
    quit(caf::make_error(caf::sec::runtime_error, gave_up_));
}

} // namespace kith
