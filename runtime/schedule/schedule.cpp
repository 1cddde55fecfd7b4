#include "runtime/schedule/schedule.hpp"

#include <algorithm>
#include <deque>

namespace kith {

std::string_view to_string(schedule_type t) {
  switch (t) {
  case schedule_type::once: return "once";
  case schedule_type::every: return "every";
  case schedule_type::cron: break;
  }
  return "cron";
}

result<schedule> schedule::make(const schedule_spec& s) {
  schedule made;
  made.spec_ = s;
  if (s.first < 0 || s.first > time_max)
    return fail(errc::invalid, "bad_timer", "a timer's time lies between 1970 and the year 9999");
  if (s.type == schedule_type::every &&
      (s.period_ms < period_ms_min || s.period_ms > period_ms_max))
    return fail(errc::invalid, "bad_timer",
                "a timer's period is at least " + std::to_string(period_ms_min) +
                    " ms, and at most 100 years");
  if (s.type == schedule_type::cron) {
    KITH_ASSIGN(made.cron_, cron_expression::parse(s.cron));
    KITH_ASSIGN(made.zone_, time_zone::find(s.zone));
  }
  return made;
}

std::optional<wall_ms> schedule::next(wall_ms after) const {
  std::optional<wall_ms> t;
  switch (spec_.type) {
  case schedule_type::once:
    if (after < spec_.first) t = spec_.first;
    break;
  case schedule_type::every: {
    const auto period = wall_ms(spec_.period_ms);
    t = after < spec_.first ? spec_.first
                            : spec_.first + ((after - spec_.first) / period + 1) * period;
    break;
  }
  case schedule_type::cron:
    if (after < 0) after = 0;
    if (after > time_max) break;
    if (auto s = cron_->next(after / 1000, zone_)) t = *s * 1000;
    break;
  }
  if (t && *t > time_max) t.reset();
  return t;
}

schedule::backlog schedule::behind(wall_ms due, wall_ms now, std::size_t keep) const {
  backlog b{1, due, due};
  if (now <= due || spec_.type == schedule_type::once) return b;
  if (spec_.type == schedule_type::cron) return cron_behind(due, now, keep);
  const auto period = wall_ms(spec_.period_ms);
  b.count = std::uint64_t((now - due) / period) + 1;
  b.last = due + wall_ms(b.count - 1) * period;
  if (b.count > keep) b.kept = b.last - wall_ms(keep - 1) * period;
  return b;
}

// From the end: years of minutes need not be counted to find the last thousand.
schedule::backlog schedule::cron_behind(wall_ms due, wall_ms now, std::size_t keep) const {
  for (auto window = wall_ms(keep) * 60'000;; window *= 2) {
    const bool whole = now - window < due;
    std::deque<wall_ms> kept;
    std::uint64_t count = 0;
    for (auto t = next(whole ? due - 1 : now - window); t && *t <= now; t = next(*t), ++count) {
      kept.push_back(*t);
      if (kept.size() > keep) kept.pop_front();
    }
    if (whole && count == 0) return {1, due, due}; // the zone's rules have changed since
    if (whole) return {count, kept.front(), kept.back()};
    if (count >= keep) return {count + 1, kept.front(), kept.back()};
  }
}

} // namespace kith
