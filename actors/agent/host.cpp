// An agent's life in memory: made, run turn by turn, and let go.
#include "actors/agent/core.hpp"

#include <algorithm>

namespace kith {

agent_instance::agent_instance() = default;
agent_instance::~agent_instance() = default;

result<std::unique_ptr<agent_instance>> agent_instance::create(agent_registration::factory make,
                                                               agent_identity identity,
                                                               agent_host& host,
                                                               std::int64_t now_ms) {
  std::unique_ptr<agent_instance> made(new agent_instance);
  made->core_ = std::make_unique<agent_core>(host, std::move(identity), now_ms);
  auto& core = *made->core_;
  std::optional<error> unreadable;
  const auto& ended = core.guard([&] {
    try {
      made->agent_ = make(core);
    } catch (const activation_failure& f) {
      unreadable = f.why;
    } catch (const json_error& e) { // thrown by a durable's migrate function
      unreadable = error{errc::corrupt, "bad_cell", e.what()};
    }
  });
  if (unreadable) return fail(*unreadable);
  if (ended.status != turn_status::done) return fail(errc::invalid, "setup_failed", ended.reason);
  core.begin(agent_core::phase::setting_up, now_ms, false);
  core.guard([&] { made->agent_->setup(); });
  if (ended.status != turn_status::done) return fail(errc::invalid, "setup_failed", ended.reason);
  return made;
}

turn_outcome& agent_instance::run(const message& m, std::int64_t now_ms) {
  auto& core = *core_;
  core.begin(agent_core::phase::turn, now_ms, m.wants_answer());
  return core.guard([&] {
    auto found = core.handlers.find(m.kind());
    if (found == core.handlers.end()) throw refusal{"no handler for kind " + std::string(m.kind())};
    found->second->invoke(core, m);
  });
}

turn_outcome& agent_instance::run(const answer& a, std::string_view handler, std::int64_t now_ms) {
  auto& core = *core_;
  core.begin(agent_core::phase::turn, now_ms, false);
  return core.guard([&] {
    auto found = core.answer_handlers.find(handler);
    if (found == core.answer_handlers.end())
      throw refusal{"no answer handler " + std::string(handler)};
    found->second->invoke(a);
  });
}

turn_outcome& agent_instance::run(const down& d, std::int64_t now_ms) {
  auto& core = *core_;
  core.begin(agent_core::phase::turn, now_ms, false);
  return core.guard([&] {
    if (!core.down_handler) throw refusal{"no on_down"};
    core.down_handler(d);
  });
}

turn_outcome& agent_instance::outcome() { return core_->outcome; }
void agent_instance::commit() { core_->commit(); }
void agent_instance::roll_back() { core_->roll_back(); }

const agent_identity& agent_instance::identity() const { return core_->identity; }
agent& agent_instance::get() { return *agent_; }

std::vector<std::string> agent_instance::kinds() const {
  std::vector<std::string> names;
  for (const auto& [kind, handler] : core_->handlers) names.push_back(kind);
  std::sort(names.begin(), names.end());
  return names;
}

const std::vector<advertised>& agent_instance::advertisements() const {
  return core_->advertisements;
}

} // namespace kith
