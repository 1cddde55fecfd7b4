#include "runtime/schedule/cron.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <span>

namespace kith {

namespace {

struct field_kind {
  const char* name;
  unsigned first, last;
  std::span<const std::string_view> names; // of first, first + 1, ...
};

constexpr std::string_view month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                            "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr field_kind kinds[] = {{"minute", 0, 59, {}},
                                {"hour", 0, 23, {}},
                                {"day of the month", 1, 31, {}},
                                {"month", 1, 12, month_names},
                                {"day of the week", 0, 7, day_names}};

tl::unexpected<error> bad(const field_kind& f, std::string_view part, const std::string& why) {
  return fail(errc::invalid, "bad_cron",
              "the " + std::string(f.name) + " '" + std::string(part) + "' " + why);
}

bool same(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if ((a[i] >= 'A' && a[i] <= 'Z' ? char(a[i] + 32) : a[i]) != lower[i]) return false;
  return true;
}

result<unsigned> number(const field_kind& f, std::string_view s, bool ends_range) {
  for (std::size_t i = 0; i < f.names.size(); ++i) {
    if (!same(s, f.names[i])) continue;
    // SAT-SUN: at the end of a range Sunday is 7.
    return ends_range && f.last == 7 && i == 0 ? 7u : unsigned(i) + f.first;
  }
  unsigned v = 0;
  const auto [end, problem] = std::from_chars(s.data(), s.data() + s.size(), v);
  if (problem != std::errc() || end != s.data() + s.size() || s.size() > 2)
    return bad(f, s,
               f.names.empty() ? "is no number of one or two digits" : "is no number and no name");
  if (v < f.first || v > f.last)
    return bad(f, s,
               "is not between " + std::to_string(f.first) + " and " + std::to_string(f.last));
  return v;
}

// One element of a list.
result<std::uint64_t> element(const field_kind& f, std::string_view s) {
  unsigned from = f.first, to = f.last, step = 1;
  const auto slash = s.find('/');
  const auto range = s.substr(0, slash);
  const auto dash = range.find('-');
  if (range != "*") {
    KITH_ASSIGN(from, number(f, range.substr(0, dash), false));
    to = from;
    if (dash != std::string_view::npos) {
      KITH_ASSIGN(to, number(f, range.substr(dash + 1), true));
    } else if (slash != std::string_view::npos) {
      return bad(f, s, "has a step, which is for * and for ranges");
    }
  }
  if (to < from) return bad(f, s, "ends before it begins");
  if (slash != std::string_view::npos) {
    const auto digits = s.substr(slash + 1);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
    if (problem != std::errc() || end != digits.data() + digits.size() || digits.size() > 2 ||
        step == 0)
      return bad(f, s, "has a step that is no number from 1 to 99");
  }
  std::uint64_t bits = 0;
  for (unsigned v = from; v <= to; v += step) bits |= std::uint64_t(1) << v;
  return bits;
}

result<std::uint64_t> field(const field_kind& f, std::string_view s) {
  std::uint64_t bits = 0;
  for (;;) {
    const auto comma = s.find(',');
    KITH_ASSIGN(auto more, element(f, s.substr(0, comma)));
    bits |= more;
    if (comma == std::string_view::npos) return bits;
    s.remove_prefix(comma + 1);
  }
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

} // namespace

result<cron_expression> cron_expression::parse(std::string_view text) {
  if (text.size() > size_max)
    return fail(errc::invalid, "bad_cron",
                "a cron expression has at most " + std::to_string(size_max) + " characters");
  std::array<std::string_view, std::size(kinds)> parts;
  std::size_t count = 0;
  constexpr std::string_view blank = " \t";
  for (auto rest = text;;) {
    const auto begin = rest.find_first_not_of(blank);
    if (begin == std::string_view::npos) break;
    const auto end = std::min(rest.find_first_of(blank, begin), rest.size());
    if (count == parts.size())
      return fail(errc::invalid, "bad_cron", "there are more than 5 fields");
    parts[count++] = rest.substr(begin, end - begin);
    rest.remove_prefix(end);
  }
  if (count < parts.size())
    return fail(
        errc::invalid, "bad_cron",
        "5 fields are wanted (minute, hour, day of the month, month, day of the week), not " +
            std::to_string(count));
  cron_expression c;
  std::uint64_t* const bits[] = {&c.minutes_, &c.hours_, &c.days_, &c.months_, &c.weekdays_};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    KITH_ASSIGN(*bits[i], field(kinds[i], parts[i]));
  }
  if ((c.weekdays_ >> 7 & 1) != 0) c.weekdays_ |= 1; // Sunday
  c.any_day_ = parts[2].front() == '*';
  c.any_weekday_ = parts[4].front() == '*';
  return c;
}

bool cron_expression::on_day(std::int64_t day) const {
  const std::chrono::sys_days date{std::chrono::days(day)};
  const std::chrono::year_month_day d(date);
  if ((months_ >> unsigned(d.month()) & 1) == 0) return false;
  const bool by_day = (days_ >> unsigned(d.day()) & 1) != 0;
  const bool by_weekday = (weekdays_ >> std::chrono::weekday(date).c_encoding() & 1) != 0;
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<std::int64_t> cron_expression::next(std::int64_t after, const time_zone& zone) const {
  constexpr std::int64_t day_minutes = 24 * 60;
  // The first instant of a reading is after `after` only if the reading is greater than that of
  // `after`; where clocks go back, not all of those are.
  auto minute = floor_div(zone.reading(after), 60) + 1;
  auto day = floor_div(minute, day_minutes);
  const auto last_day = day + years_max * 366;
  for (; day <= last_day; ++day, minute = day * day_minutes) {
    if (!on_day(day)) continue;
    for (; minute < (day + 1) * day_minutes; ++minute) {
      const auto of_day = unsigned(minute - day * day_minutes);
      if ((hours_ >> of_day / 60 & 1) == 0 || (minutes_ >> of_day % 60 & 1) == 0) continue;
      if (const auto instant = zone.first(minute * 60); instant > after) return instant;
    }
  }
  return std::nullopt;
}

} // namespace kith
