// Setting and cancelling timers, written into the turn under way.
#include "actors/agent/core.hpp"

#include <algorithm>
#include <stdexcept>

namespace kith {

using records::timer_record;

namespace {

[[noreturn]] void refuse(const std::string& id, const std::string& why) {
  throw refusal{"timer " + id + ": " + why};
}

// The timer as the turn has left it so far; nullptr: there is none.
const timer_record* present(const agent_core& core, std::string_view id) {
  const auto changed = core.outcome.timers.find(id);
  if (changed != core.outcome.timers.end()) return changed->second ? &*changed->second : nullptr;
  const auto* stored = core.host.timers().find(id);
  return stored == nullptr ? nullptr : &stored->record;
}

std::size_t count(const agent_core& core) {
  const auto& stored = core.host.timers();
  auto n = stored.count();
  for (const auto& [id, change] : core.outcome.timers) {
    const bool before = stored.find(id) != nullptr;
    if (change && !before) ++n;
    if (!change && before) --n;
  }
  return n;
}

void set(agent_core& core, std::string_view id, schedule_spec when, std::string_view kind,
         encoded value, const timer_options& o) {
  core.require_turn("setting a timer");
  if (id.empty() || id.size() > timer_record::id_size_max)
    throw std::invalid_argument("a timer's id has 1 to 255 bytes");
  timer_record r;
  r.id = id;
  if (!core.handlers.contains(kind))
    throw std::logic_error("no handler for kind " + std::string(kind) + ", of timer " + r.id);
  if (value.payload.size() > timer_record::payload_size_max)
    refuse(r.id, "its payload is larger than 64 KiB");
  auto made = schedule::make(when);
  if (!made) refuse(r.id, made.error().context);
  const auto first = made->next(when.type == schedule_type::cron ? core.now_ms : -1);
  if (!first) refuse(r.id, "its time never comes");
  if (!core.recall(present(core, id) != nullptr || count(core) < timer_table::count_max))
    refuse(r.id, "an agent has at most 1000 timers");
  core.charge(r.id.size() + kind.size() + value.payload.size() + 128);
  r.kind = kind;
  r.content_type = value.content_type;
  r.payload = to_bytes(as_bytes(value.payload));
  r.when = std::move(when);
  r.missed = std::uint8_t(o.missed);
  r.set = core.make_id();
  r.due = *first;
  auto id_of = r.id;
  core.outcome.timers.insert_or_assign(std::move(id_of), std::move(r));
}

} // namespace

void timer_calls::set_after(std::string_view id, std::int64_t delay_ms, std::string_view kind,
                            encoded value, const timer_options& o) {
  const auto delay = std::clamp<std::int64_t>(delay_ms, 0, schedule::time_max);
  set(timer_core_, id, {schedule_type::once, timer_core_.now_ms + delay, 0, {}, {}}, kind,
      std::move(value), o);
}

void timer_calls::set_at(std::string_view id, std::int64_t instant_ms, std::string_view kind,
                         encoded value, const timer_options& o) {
  const auto then = std::max(instant_ms, timer_core_.now_ms);
  set(timer_core_, id, {schedule_type::once, then, 0, {}, {}}, kind, std::move(value), o);
}

void timer_calls::set_every(std::string_view id, std::int64_t period_ms, std::string_view kind,
                            encoded value, const timer_options& o) {
  const auto period = std::clamp<std::int64_t>(period_ms, 0, schedule::time_max);
  set(timer_core_, id,
      {schedule_type::every, timer_core_.now_ms + period, std::uint64_t(period), {}, {}}, kind,
      std::move(value), o);
}

void timer_calls::set_cron(std::string_view id, std::string_view expression, std::string_view zone,
                           std::string_view kind, encoded value, const timer_options& o) {
  set(timer_core_, id, {schedule_type::cron, 0, 0, std::string(expression), std::string(zone)},
      kind, std::move(value), o);
}

bool timer_calls::cancel_timer(std::string_view id) {
  auto& core = timer_core_;
  core.require_turn("cancel_timer");
  if (!core.recall(present(core, id) != nullptr)) return false;
  if (core.host.timers().find(id) == nullptr) { // set in this turn
    if (auto made = core.outcome.timers.find(id); made != core.outcome.timers.end())
      core.outcome.timers.erase(made);
  } else {
    core.outcome.timers.insert_or_assign(std::string(id), std::nullopt);
  }
  return true;
}

std::vector<timer_info> timer_calls::timers() const {
  const auto& core = timer_core_;
  core.require_turn("timers");
  if (core.run != nullptr) // it would not be the same when the handler is run again
    throw std::logic_error("timers() is not for handlers that are coroutines");
  std::map<std::string, timer_info> all;
  core.host.timers().each([&](const timer_table::entry& e) {
    all.emplace(e.record.id, timer_table::describe(e.record, e.problem));
  });
  for (const auto& [id, change] : core.outcome.timers) {
    if (change)
      all.insert_or_assign(id, timer_table::describe(*change, {}));
    else
      all.erase(id);
  }
  std::vector<timer_info> list;
  for (auto& [id, i] : all) list.push_back(std::move(i));
  return list;
}

} // namespace kith
