#include "actors/agent/timer_table.hpp"

#include <algorithm>

namespace kith {

namespace {

template <class Map, class Key> void erase_one(Map& map, const Key& key, const void* entry) {
  auto [from, to] = map.equal_range(key);
  auto it = std::find_if(from, to, [&](const auto& e) { return e.second == entry; });
  if (it != to) map.erase(it);
}

} // namespace

void timer_table::arm(entry& e) {
  if (e.when) due_.emplace(e.record.due, &e);
}

void timer_table::disarm(const entry& e) {
  erase_one(due_, e.record.due, &e);
  erase_one(deferred_, e.not_before, &e);
}

timer_table::entry& timer_table::set(records::timer_record r) {
  cancel(r.id);
  auto& e = timers_[r.id];
  if (auto made = schedule::make(r.when))
    e.when = std::move(*made);
  else
    e.problem = made.error().what();
  e.record = std::move(r);
  arm(e);
  return e;
}

bool timer_table::cancel(std::string_view id) {
  auto found = timers_.find(id);
  if (found == timers_.end()) return false;
  disarm(found->second);
  timers_.erase(found);
  return true;
}

const timer_table::entry* timer_table::find(std::string_view id) const {
  auto found = timers_.find(id);
  return found == timers_.end() ? nullptr : &found->second;
}

timer_table::entry* timer_table::find(std::string_view id) {
  auto found = timers_.find(id);
  return found == timers_.end() ? nullptr : &found->second;
}

void timer_table::clear() {
  due_.clear();
  deferred_.clear();
  timers_.clear();
}

timer_table::entry* timer_table::next_due(wall_ms wall, time_point now) {
  while (!deferred_.empty() && deferred_.begin()->first <= now) {
    arm(*deferred_.begin()->second);
    deferred_.erase(deferred_.begin());
  }
  if (due_.empty() || due_.begin()->first > wall) return nullptr;
  return due_.begin()->second;
}

timer_table::firing timer_table::judge(entry& e, wall_ms wall) const {
  firing f{true, e.record.due, e.record.fired + 1, 0};
  if (e.trying != 0) {
    f.due = e.trying;
    f.missed = e.missed;
    return f;
  }
  const auto policy = missed(e.record.missed);
  if (policy != missed::all || e.record.due > e.upto) {
    const auto late = e.when->behind(e.record.due, wall, catch_up_max);
    e.upto = late.last;
    if (policy == missed::all) {
      f.due = late.kept;
      f.missed = late.count - std::min<std::uint64_t>(late.count, catch_up_max);
    } else {
      f.due = late.last;
      f.missed = late.count - 1;
      f.fire = policy != missed::skip || wall - late.last <= late_ms_max;
    }
  }
  e.trying = f.fire ? f.due : 0;
  e.missed = f.missed;
  return f;
}

bool timer_table::consume(entry& e, const firing& f) {
  disarm(e);
  const auto next = e.when->next(f.due);
  if (!next) {
    timers_.erase(timers_.find(e.record.id));
    return false;
  }
  e.record.due = *next;
  e.record.marks = 0;
  if (f.fire) e.record.fired = f.number;
  e.attempts = 0;
  e.trying = 0;
  e.missed = 0;
  e.marked_by = 0;
  e.recovered = e.set_apart = false;
  arm(e);
  return true;
}

void timer_table::defer(entry& e, time_point until) {
  disarm(e);
  e.not_before = until;
  deferred_.emplace(until, &e);
}

std::optional<duration> timer_table::due_in(wall_ms wall, time_point now) const {
  std::optional<duration> wait;
  if (!deferred_.empty() && deferred_.begin()->first != time_point::max())
    wait = deferred_.begin()->first - now; // max: until somebody defers it anew
  if (!due_.empty()) {
    // Bounded: in nanoseconds the year 9999 is too far.
    constexpr wall_ms far = 1'000LL * 366 * 24 * 3600 * 100;
    const auto left = std::chrono::milliseconds(std::min(due_.begin()->first - wall, far));
    if (!wait || left < *wait) wait = left;
  }
  return wait ? std::max(*wait, duration(0)) : wait;
}

timer_info timer_table::describe(const records::timer_record& r, std::string_view problem) {
  timer_info i;
  i.id = r.id;
  i.kind = r.kind;
  i.due_ms = problem.empty() ? r.due : 0;
  i.fired = r.fired;
  i.schedule = to_string(r.when.type);
  if (r.when.type == schedule_type::every)
    i.schedule += " " + std::to_string(r.when.period_ms) + " ms";
  if (r.when.type == schedule_type::cron) i.schedule = r.when.cron + " " + r.when.zone;
  i.missed = missed(r.missed);
  i.problem = problem;
  return i;
}

uuid firing_id(const records::timer_record& r, std::uint64_t number) {
  auto id = r.set;
  for (std::size_t i = 0; i < 6; ++i) id.octets[15 - i] ^= std::uint8_t(number >> 8 * i);
  return id;
}

} // namespace kith
