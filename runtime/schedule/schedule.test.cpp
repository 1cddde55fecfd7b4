// Cron expressions, time zones and schedules against known answers. The instants were looked up
// with another implementation (Python's zoneinfo) and in the rules of the zones.
#include "runtime/schedule/schedule.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <ctime>

using namespace kith;

namespace {

// "2026-03-29 01:00:00" in UTC, both ways.
std::int64_t utc(const std::string& text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  REQUIRE(std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s) >= 5);
  const std::chrono::sys_days day{std::chrono::year(y) / mo / d};
  return std::int64_t(day.time_since_epoch().count()) * 86400 + h * 3600 + mi * 60 + s;
}
std::string text(std::int64_t instant) {
  const std::time_t t = instant;
  std::tm parts{};
  gmtime_r(&t, &parts);
  char out[32];
  std::strftime(out, sizeof out, "%F %R", &parts);
  return out;
}

std::string why(std::string_view expression) {
  auto parsed = cron_expression::parse(expression);
  if (parsed) return "";
  CHECK(parsed.error().code == "bad_cron");
  CHECK(parsed.error().category == errc::invalid);
  return parsed.error().context;
}

// The times after `from`, in UTC.
std::vector<std::string> times(std::string_view expression, const char* zone,
                               const std::string& from, int count) {
  auto cron = cron_expression::parse(expression);
  auto where = time_zone::find(zone);
  REQUIRE(cron);
  REQUIRE(where);
  std::vector<std::string> out;
  auto at = utc(from);
  for (int i = 0; i < count; ++i) {
    auto next = cron->next(at, *where);
    if (!next) break;
    REQUIRE(*next > at);
    at = *next;
    out.push_back(text(at));
  }
  return out;
}
using list = std::vector<std::string>;

schedule make(const schedule_spec& s) {
  auto made = schedule::make(s);
  REQUIRE(made);
  return *made;
}
schedule cron(const char* expression, const char* zone = "UTC") {
  return make({schedule_type::cron, 0, 0, expression, zone});
}

} // namespace

TEST_CASE("cron expressions fire in UTC when they say", "[schedule][vector]") {
  const std::string from = "2026-11-21 19:22:30"; // a Saturday
  CHECK(times("* * * * *", "UTC", from, 2) == list{"2026-11-21 19:23", "2026-11-21 19:24"});
  CHECK(times("*/20 * * * *", "UTC", from, 3) ==
        list{"2026-11-21 19:40", "2026-11-21 20:00", "2026-11-21 20:20"});
  CHECK(times("0 9 * * MON-FRI", "UTC", from, 6) == list{"2026-11-23 09:00", "2026-11-24 09:00",
                                                         "2026-11-25 09:00", "2026-11-26 09:00",
                                                         "2026-11-27 09:00", "2026-11-30 09:00"});
  CHECK(times("5,10-12,50-59/4 3 * * *", "UTC", from, 7) ==
        list{"2026-11-22 03:05", "2026-11-22 03:10", "2026-11-22 03:11", "2026-11-22 03:12",
             "2026-11-22 03:50", "2026-11-22 03:54", "2026-11-22 03:58"});
  CHECK(times("0 0 1 jan,Jul *", "UTC", from, 2) == list{"2027-01-01 00:00", "2027-07-01 00:00"});
  CHECK(times("0 0 29 2 *", "UTC", "2096-03-01 00:00", 1) == list{"2104-02-29 00:00"});
  CHECK(times("0 0 * * 0", "UTC", from, 1) == times("0 0 * * 7", "UTC", from, 1));
  CHECK(times("0 0 * * sat-sun", "UTC", from, 3) ==
        list{"2026-11-22 00:00", "2026-11-28 00:00", "2026-11-29 00:00"});
  CHECK(times("30 4\t* * 5", "UTC", "2026-11-20 04:29:59", 2) ==
        list{"2026-11-20 04:30", "2026-11-27 04:30"});
  CHECK(times("30 4 * * 5", "UTC", "2026-11-20 04:30:00", 1) == list{"2026-11-27 04:30"});
}

TEST_CASE("of two day fields that say something one has to match, otherwise both",
          "[schedule][vector]") {
  const std::string from = "2026-11-01 12:00";
  // The 13th, and each Friday.
  CHECK(times("0 0 13 * FRI", "UTC", from, 4) ==
        list{"2026-11-06 00:00", "2026-11-13 00:00", "2026-11-20 00:00", "2026-11-27 00:00"});
  CHECK(times("0 0 15 * FRI", "UTC", from, 3) ==
        list{"2026-11-06 00:00", "2026-11-13 00:00", "2026-11-15 00:00"});
  // */2 begins with a star: odd days of the month that are Mondays.
  CHECK(times("0 0 */2 * MON", "UTC", from, 2) == list{"2026-11-09 00:00", "2026-11-23 00:00"});
  CHECK(times("0 0 29 2 */6", "UTC", "2026-03-01 00:00", 1) == list{"2032-02-29 00:00"});
}

TEST_CASE("a cron time that never comes is none", "[schedule][unit]") {
  CHECK(times("0 0 30 2 *", "UTC", "2026-01-01 00:00", 1).empty());
  CHECK(times("0 0 31 4,6,9,11 *", "Europe/Berlin", "2026-01-01 00:00", 1).empty());
}

TEST_CASE("cron expressions that mean nothing are refused with the field and the reason",
          "[schedule][unit]") {
  CHECK(why("").find("not 0") != std::string::npos);
  CHECK(why("0 9 * *").find("not 4") != std::string::npos);
  CHECK(why("0 9 * * * *").find("more than 5") != std::string::npos);
  CHECK(why("60 * * * *") == "the minute '60' is not between 0 and 59");
  CHECK(why("* 24 * * *") == "the hour '24' is not between 0 and 23");
  CHECK(why("* * 0 * *") == "the day of the month '0' is not between 1 and 31");
  CHECK(why("* * * 13 *") == "the month '13' is not between 1 and 12");
  CHECK(why("* * * * 8") == "the day of the week '8' is not between 0 and 7");
  CHECK(why("* * * * funday") == "the day of the week 'funday' is no number and no name");
  CHECK(why("mon * * * *") == "the minute 'mon' is no number of one or two digits");
  CHECK(why("5/2 * * * *").find("for * and for ranges") != std::string::npos);
  CHECK(why("9-5 * * * *").find("ends before it begins") != std::string::npos);
  CHECK(why("* * * * fri-mon").find("ends before it begins") != std::string::npos);
  for (const auto* bad : {"*/0 * * * *", "*/x * * * *", "*/ * * * *", "*/100 * * * *", ", * * * *",
                          "1, * * * *", "1- * * * *", "-1 * * * *", "+1 * * * *", "** * * * *",
                          "1-2-3 * * * *", "*/2/2 * * * *", "0001 * * * *", "*-5 * * * *", "@daily",
                          "\n* * * * *", "* * * * sunday", "* * ? * *", "* * L * *"})
    CHECK_FALSE(why(bad).empty());
  CHECK(why(std::string(300, ' ') + "* * * * *").find("at most 256") != std::string::npos);
  std::string longest = "0";
  while (longest.size() + 2 + 8 <= cron_expression::size_max) longest += ",1";
  CHECK(why(longest + " * * * *").empty());
}

TEST_CASE("time zones are found by IANA names alone", "[schedule][unit]") {
  for (const auto* good : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"})
    CHECK(time_zone::find(good));
  for (const auto* bad : {"", "Berlin", "europe/berlin", "Europe/Berlin ", "../../etc/passwd",
                          "/usr/share/zoneinfo/UTC", "Europe", "CEST+2", "Europe/Atlantis"}) {
    auto found = time_zone::find(bad);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == "unknown_zone");
  }
  CHECK_FALSE(time_zone::find(std::string(10'000, 'a')));
}

TEST_CASE("cron follows the clocks of its zone", "[schedule][vector]") {
  CHECK(times("0 9 * * MON-FRI", "Europe/Berlin", "2026-03-26 12:00", 3) ==
        list{"2026-03-27 08:00", "2026-03-30 07:00", "2026-03-31 07:00"});
  CHECK(times("0 9 * * *", "America/New_York", "2026-03-06 20:00", 3) ==
        list{"2026-03-07 14:00", "2026-03-08 13:00", "2026-03-09 13:00"});
  CHECK(times("0 0 1 * *", "Asia/Kathmandu", "2026-11-21 00:00", 2) ==
        list{"2026-11-30 18:15", "2026-12-31 18:15"});
  CHECK(times("0 12 * * *", "Australia/Lord_Howe", "2026-04-03 12:00", 3) ==
        list{"2026-04-04 01:00", "2026-04-05 01:30", "2026-04-06 01:30"});
  CHECK(times("0 12 * * *", "Australia/Lord_Howe", "2026-10-02 12:00", 3) ==
        list{"2026-10-03 01:30", "2026-10-04 01:00", "2026-10-05 01:00"});
}

TEST_CASE("a local time that is jumped over fires once, at the jump", "[schedule][vector]") {
  CHECK(times("30 2 * * *", "Europe/Berlin", "2026-03-28 00:00", 3) ==
        list{"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"});
  // Four that are jumped over, and the one that is the jump, are one.
  CHECK(times("*/15 * * * *", "Europe/Berlin", "2026-03-29 00:44", 4) ==
        list{"2026-03-29 00:45", "2026-03-29 01:00", "2026-03-29 01:15", "2026-03-29 01:30"});
  CHECK(times("30 2 8 3 *", "America/New_York", "2026-01-01 00:00", 1) == list{"2026-03-08 07:00"});
  CHECK(times("15 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00", 2) ==
        list{"2026-10-03 15:30", "2026-10-04 15:15"});
  // Samoa had no 30 December 2011.
  CHECK(times("0 12 * * *", "Pacific/Apia", "2011-12-29 00:00", 3) ==
        list{"2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00"});
}

TEST_CASE("a local time that comes twice fires the first time", "[schedule][vector]") {
  CHECK(times("30 2 * * *", "Europe/Berlin", "2026-10-24 00:00", 3) ==
        list{"2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"});
  CHECK(times("30 1 * * *", "America/New_York", "2026-10-31 00:00", 3) ==
        list{"2026-10-31 05:30", "2026-11-01 05:30", "2026-11-02 06:30"});
  CHECK(times("45 1 * * *", "Australia/Lord_Howe", "2026-04-04 00:00", 2) ==
        list{"2026-04-04 14:45", "2026-04-05 15:15"});
  CHECK(times("0 * * * *", "Europe/Berlin", "2026-10-24 23:30", 4) ==
        list{"2026-10-25 00:00", "2026-10-25 02:00", "2026-10-25 03:00", "2026-10-25 04:00"});
  // Asked for in the second pass.
  CHECK(times("30 2 * * *", "Europe/Berlin", "2026-10-25 01:15", 1) == list{"2026-10-26 01:30"});
}

TEST_CASE("a schedule fires once, or at its distances", "[schedule][unit]") {
  auto once = make({schedule_type::once, 5000, 0, {}, {}});
  CHECK(once.next(0) == 5000);
  CHECK(once.next(4999) == 5000);
  CHECK_FALSE(once.next(5000));
  auto every = make({schedule_type::every, 1000, 300, {}, {}});
  CHECK(every.next(0) == 1000);
  CHECK(every.next(1000) == 1300);
  CHECK(every.next(1299) == 1300);
  CHECK(every.next(1300) == 1600);
  CHECK_FALSE(every.next(schedule::time_max));
  CHECK(cron("*/5 * * * *").next(1'700'000'000'000) == 1'700'000'100'000);
  CHECK(cron("*/5 * * * *").next(1'700'000'099'999) == 1'700'000'100'000);
  CHECK(cron("*/5 * * * *").next(1'700'000'100'000) == 1'700'000'400'000);
}

TEST_CASE("schedules out of bounds are refused", "[schedule][unit]") {
  auto code = [](const schedule_spec& s) {
    auto made = schedule::make(s);
    return made ? std::string() : made.error().code;
  };
  CHECK(code({schedule_type::once, -1, 0, {}, {}}) == "bad_timer");
  CHECK(code({schedule_type::once, schedule::time_max + 1, 0, {}, {}}) == "bad_timer");
  CHECK(code({schedule_type::every, 0, schedule::period_ms_min - 1, {}, {}}) == "bad_timer");
  CHECK(code({schedule_type::every, 0, schedule::period_ms_max + 1, {}, {}}) == "bad_timer");
  CHECK(code({schedule_type::every, 0, schedule::period_ms_min, {}, {}}).empty());
  CHECK(code({schedule_type::cron, 0, 0, "* * * *", "UTC"}) == "bad_cron");
  CHECK(code({schedule_type::cron, 0, 0, "* * * * *", "Mars/Olympus"}) == "unknown_zone");
}

TEST_CASE("what is behind is counted, and its last are found", "[schedule][unit]") {
  auto every = make({schedule_type::every, 1000, 100, {}, {}});
  auto b = every.behind(1000, 1999, 4);
  CHECK(std::tuple(b.count, b.kept, b.last) == std::tuple(10u, 1600, 1900));
  b = every.behind(1500, 1599, 4);
  CHECK(std::tuple(b.count, b.kept, b.last) == std::tuple(1u, 1500, 1500));

  auto minutely = cron("* * * * *");
  const wall_ms due = 1'700'000'040'000; // a whole minute
  REQUIRE(minutely.next(due - 1) == due);
  b = minutely.behind(due, due + 3 * 60'000 + 17, 10);
  CHECK(std::tuple(b.count, b.kept, b.last) == std::tuple(4u, due, due + 180'000));
  const wall_ms year = 365LL * 24 * 60 * 60'000;
  b = minutely.behind(due, due + year, 10);
  CHECK(b.count > 10);
  CHECK(b.kept == due + year - 9 * 60'000);
  CHECK(b.last == due + year);

  auto yearly = cron("0 0 1 1 *");
  const auto first = *yearly.next(due);
  b = yearly.behind(first, first + 4 * year, 1000); // a leap year among them
  CHECK(b.count == 4);
  CHECK(b.kept == first);
  b = yearly.behind(first, first + 4 * year, 2);
  CHECK(b.count > 2);
  CHECK(b.last == utc("2027-01-01 00:00") * 1000);
  CHECK(b.kept == utc("2026-01-01 00:00") * 1000);
}
