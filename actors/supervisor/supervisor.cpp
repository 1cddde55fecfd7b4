#include "actors/supervisor/supervisor.hpp"

namespace kith {

supervisor::supervisor(caf::actor_config& config, supervisor_options options,
                       supervisor_ports ports)
    : caf::event_based_actor(config), options_(std::move(options)), ports_(std::move(ports)) {
  set_down_handler([this](caf::down_msg& msg) { down(msg); });
  // A supervisor outlives its parent's exit signals only through the ordered stop.
  set_exit_handler([this](caf::exit_msg& msg) {
    if (msg.reason == caf::exit_reason::kill) quit(msg.reason);
  });
}

caf::behavior supervisor::make_behavior() {
  ports_.view.set(options_.path, {"supervisor", "running", 0, {}});
  return {
      [this](child_spec& spec) { add(std::move(spec)); },
      [this](supervisor_tick&) { tick(); },
      [this](stop_child& s) { begin_stop(s.drain); },
  };
}

// A supervisor that is killed takes its branch with it. Not by linking: a child that is killed
// would take us.
void supervisor::on_exit() {
  for (auto& [name, c] : children_)
    if (c.actor) anon_send_exit(c.actor, caf::exit_reason::kill);
}

void supervisor::note(const child& c, const std::string& state) {
  ports_.view.set(options_.path + "/" + c.spec.name,
                  {c.spec.kind, state, c.policy.restarts(), c.reason});
}

void supervisor::add(child_spec spec) {
  if (stopping_ || children_.count(spec.name) != 0) return; // the same child twice is one child
  auto name = spec.name;
  child c{std::move(spec), restart_policy(options_.limits), {}, next_order_++, {}, {}, {}};
  start(children_.emplace(std::move(name), std::move(c)).first->second);
}

void supervisor::start(child& c) {
  c.restart_at = {};
  try {
    c.actor = c.spec.start(system());
  } catch (const std::exception& e) {
    crashed(c, e.what());
    return;
  }
  by_address_[c.actor.address()] = c.spec.name;
  monitor(c.actor);
  note(c, "running");
}

void supervisor::down(const caf::down_msg& msg) {
  auto known = by_address_.find(msg.source);
  if (known == by_address_.end()) return;
  auto it = children_.find(known->second);
  by_address_.erase(known);
  if (it == children_.end()) return;
  auto& c = it->second;
  c.actor = nullptr;
  c.kill_at = {};
  if (stopping_) {
    ports_.view.erase(options_.path + "/" + c.spec.name);
    children_.erase(it);
    stop_next();
  } else if (!msg.reason || msg.reason == caf::exit_reason::normal) {
    note(c, "stopped");
    children_.erase(it);
  } else {
    crashed(c, to_string(msg.reason));
  }
}

void supervisor::crashed(child& c, const std::string& reason) {
  c.reason = reason;
  auto delay = c.policy.crashed(ports_.time.now(), ports_.random);
  if (!delay) {
    ports_.log.error("child given up",
                     {{"child", options_.path + "/" + c.spec.name}, {"reason", reason}});
    note(c, "failed");
    if (c.spec.gave_up) c.spec.gave_up(reason);
    return;
  }
  ports_.log.warn("child crashed",
                  {{"child", options_.path + "/" + c.spec.name}, {"reason", reason}});
  c.restart_at = ports_.time.now() + *delay;
  note(c, "restarting");
  schedule(*delay);
}

void supervisor::schedule(duration after) { delayed_send(this, after, supervisor_tick{}); }

void supervisor::tick() {
  auto now = ports_.time.now();
  for (auto& [name, c] : children_) {
    if (!stopping_ && c.restart_at != time_point{} && c.restart_at <= now) start(c);
    if (c.kill_at != time_point{} && c.kill_at <= now && c.actor) {
      ports_.log.warn("child killed at its deadline",
                      {{"child", options_.path + "/" + c.spec.name}});
      anon_send_exit(c.actor, caf::exit_reason::kill);
      c.kill_at = {};
    }
  }
}

void supervisor::begin_stop(bool drain) {
  drain_ = drain_ && drain;
  if (stopping_ && drain) return;
  stopping_ = true;
  ports_.view.set(options_.path, {"supervisor", "stopping", 0, {}});
  std::erase_if(children_, [](const auto& entry) { return !entry.second.actor; });
  if (options_.stop_together || !drain_)
    for (auto& [name, c] : children_) stop(c);
  stop_next();
}

void supervisor::stop(child& c) {
  anon_send(c.actor, stop_child{drain_});
  c.kill_at = ports_.time.now() + (drain_ ? options_.stop_deadline : duration(0));
  schedule(drain_ ? options_.stop_deadline : duration(std::chrono::milliseconds(100)));
}

void supervisor::stop_next() {
  if (children_.empty()) {
    ports_.view.erase(options_.path);
    quit();
    return;
  }
  auto last = children_.begin();
  for (auto it = children_.begin(); it != children_.end(); ++it)
    if (it->second.order > last->second.order) last = it;
  if (last->second.kill_at == time_point{}) stop(last->second);
}

} // namespace kith
