// By hand, because g++ 12 has no std::format and no std::chrono::parse.
#include "protocols/did/datetime.hpp"

#include <algorithm>

namespace kith::dids {
namespace {

using namespace std::chrono;

constexpr auto first_day = sys_days(year(0) / January / 1);
constexpr auto end_day = sys_days(year(10000) / January / 1);
constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
constexpr wall_ms earliest = std::int64_t(first_day.time_since_epoch().count()) * day_ms;
constexpr wall_ms latest = std::int64_t(end_day.time_since_epoch().count()) * day_ms - 1;

void put(std::string& out, unsigned v, int digits) {
  std::string text(std::size_t(digits), '0');
  for (auto it = text.rbegin(); it != text.rend(); ++it, v /= 10) *it = char('0' + v % 10);
  out += text;
}

// Takes fixed-width numbers and marks off the front of a text.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {}

  unsigned number(std::size_t digits) {
    unsigned v = 0;
    if (rest_.size() < digits) return fail(), 0;
    for (char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return fail(), 0;
      v = v * 10 + unsigned(c - '0');
    }
    rest_.remove_prefix(digits);
    return v;
  }
  bool skip(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!skip(c)) fail();
  }
  bool digit_next() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

private:
  void fail() { ok_ = false, rest_ = {}; }
  std::string_view rest_;
  bool ok_ = true;
};

// What follows the seconds, in milliseconds.
unsigned decimals(scanner& in) {
  if (!in.skip('.')) return 0;
  unsigned ms = in.number(1) * 100;
  for (unsigned scale = 10; in.digit_next(); scale /= 10) ms += in.number(1) * scale;
  return ms;
}

// The zone's distance from UTC in minutes, or a number out of range.
int zone(scanner& in) {
  if (in.skip('Z')) return 0;
  int sign = in.skip('-') ? -1 : 1;
  if (sign > 0) in.expect('+');
  auto hours = in.number(2);
  in.expect(':');
  auto minutes = in.number(2);
  bool ok = minutes < 60 && (hours < 14 || (hours == 14 && minutes == 0));
  return ok ? sign * int(hours * 60 + minutes) : 10'000;
}

} // namespace

std::string format_datetime(wall_ms t) {
  t = std::clamp(t, earliest, latest);
  auto day = floor<days>(sys_time<milliseconds>(milliseconds(t)));
  year_month_day date(day);
  auto ms = unsigned(t - std::int64_t(day.time_since_epoch().count()) * day_ms);
  std::string out;
  put(out, unsigned(int(date.year())), 4);
  put(out += '-', unsigned(date.month()), 2);
  put(out += '-', unsigned(date.day()), 2);
  put(out += 'T', ms / 3'600'000, 2);
  put(out += ':', ms / 60'000 % 60, 2);
  put(out += ':', ms / 1000 % 60, 2);
  if (ms % 1000 != 0) put(out += '.', ms % 1000, 3);
  return out += 'Z';
}

result<wall_ms> parse_datetime(std::string_view text) {
  constexpr std::size_t size_max = 40; // characters; longer is refused
  auto bad = [] { return fail(errc::malformed, "bad_datetime", "it is no date and time"); };
  if (text.size() > size_max) return bad();
  scanner in(text);
  auto y = in.number(4);
  in.expect('-');
  auto m = in.number(2);
  in.expect('-');
  auto d = in.number(2);
  in.expect('T');
  auto hour = in.number(2);
  in.expect(':');
  auto minute = in.number(2);
  in.expect(':');
  auto second = in.number(2);
  auto ms = decimals(in);
  auto offset = zone(in);
  auto date = year(int(y)) / month(m) / day(d);
  if (!in.ok() || !in.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 59 ||
      offset == 10'000)
    return bad();
  auto whole = std::int64_t(sys_days(date).time_since_epoch().count()) * day_ms;
  return whole + (std::int64_t(hour) * 60 + minute - offset) * 60'000 + second * 1000LL + ms;
}

} // namespace kith::dids
