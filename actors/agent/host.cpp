// An agent's life in memory: made, run turn by turn, and let go.
#include "actors/agent/core.hpp"

#include <algorithm>

namespace kith {

task_outcome::task_outcome() = default;
task_outcome::task_outcome(task_outcome&&) noexcept = default;
task_outcome& task_outcome::operator=(task_outcome&&) noexcept = default;
task_outcome::~task_outcome() = default;

std::string step_context(const records::step_ref& at) {
  bytes out;
  put_u32(out, at.ordinal);
  append(out, as_bytes(at.branch));
  return std::string(as_text(out));
}

std::optional<records::step_ref> parse_step_context(std::string_view context) {
  byte_reader in(as_bytes(context));
  records::step_ref at;
  at.ordinal = in.u32();
  if (!in.ok()) return std::nullopt;
  at.branch = as_text(in.rest());
  return at;
}

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
  auto& outcome = core.guard([&] { core.invoke(m); });
  core.run = nullptr;
  auto started = std::move(core.fresh);
  if (outcome.handler && outcome.handler->suspended)
    outcome.handler->started = std::move(started);
  else
    outcome.handler.reset(); // it awaited nothing: a handler like any other
  return outcome;
}

turn_outcome& agent_instance::resume(detail::task_run& handler, const records::step_result& result,
                                     std::int64_t now_ms) {
  auto& core = *core_;
  core.begin(agent_core::phase::turn, now_ms, handler.message().wants_answer());
  auto& outcome = core.guard([&] {
    handler.begin(core, nullptr);
    handler.resume(result);
    handler.end(core);
  });
  core.run = nullptr;
  return outcome;
}

result<std::unique_ptr<detail::task_run>>
agent_instance::replay(const message& m, std::span<const records::segment> journal) {
  auto& core = *core_;
  auto handler = std::make_unique<detail::task_run>(m);
  const auto& kept = handler->message();
  for (std::size_t i = 0; i < journal.size(); ++i) {
    const auto& segment = journal[i];
    core.begin(agent_core::phase::turn, segment.now, kept.wants_answer());
    std::string why;
    const auto& outcome = core.guard([&] {
      handler->begin(core, &segment);
      if (i == 0) return core.invoke(kept);
      if (!segment.resumed || !handler->awaits(segment.resumed->at)) {
        why = "recorded: something came that it awaited; now: it does not await that";
        return;
      }
      handler->resume(*segment.resumed);
      handler->end(core);
    });
    if (why.empty() && outcome.status != turn_status::done)
      why = "recorded: it went on; now: it ends with " + outcome.reason;
    if (why.empty() && !outcome.handler) why = "recorded: a coroutine; now: a plain handler";
    if (why.empty()) why = handler->divergence(core);
    core.run = nullptr;
    core.roll_back();
    if (!why.empty()) return fail(errc::conflict, "replay_diverged", why);
  }
  return handler;
}

result<encoded> agent_instance::call_once(detail::task_run& handler, const records::step_ref& at,
                                          std::string_view key) {
  auto& core = *core_;
  encoded value;
  core.begin(agent_core::phase::idle, core.now_ms, false);
  const auto& outcome = core.guard([&] { value = handler.call(at, key); });
  if (outcome.status != turn_status::done)
    return fail(errc::unavailable, "step_failed", outcome.reason);
  return value;
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

bool agent_instance::exclusive() const { return core_->exclusive; }
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
