// What cron calls a time: five fields (minute, hour, day of the month, month, day of the week), as
// crontab(5) of Vixie cron has them, without its @names, and with names in ranges and lists too.
//
// A field is a list, parted by commas, of `*`, a number, a range `a-b`, and of `*` or a range with
// a step, `*/n` or `a-b/n`. Months and days of the week have names too (JAN, mon); Sunday is 0 and
// 7. If both day fields say something (neither begins with `*`), one of them has to
// match; otherwise both.
//
// A local time that the zone jumps over fires once, at the moment of the jump; one that comes twice
// fires the first time only.
#pragma once

#include "runtime/schedule/zone.hpp"

#include <optional>

namespace kith {

class cron_expression {
public:
  static constexpr std::size_t size_max = 256;
  // A day that comes at all comes within this: 29 February of a given day of the week, about 2100.
  static constexpr int years_max = 41;

  // invalid "bad_cron", with the field and what is wrong with it.
  static result<cron_expression> parse(std::string_view text);

  // The first instant after that one (seconds since the Unix epoch); nothing if there is none, as
  // for 30 February.
  std::optional<std::int64_t> next(std::int64_t after, const time_zone& zone) const;

private:
  bool on_day(std::int64_t day) const; // days since 1970

  // A bit for each value that matches.
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0;
  bool any_day_ = false; // the field begins with *
  bool any_weekday_ = false;
};

} // namespace kith
