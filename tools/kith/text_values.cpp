// Durations, times and near misses.
#include "tools/kith/text_values.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

namespace kith::cli {
namespace {

struct unit {
  std::string_view name;
  double seconds;
};
constexpr unit units[] = {{"ms", 0.001}, {"s", 1}, {"", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
constexpr double seconds_max = 10.0 * 365 * 86400;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t(0));
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const auto changed = diagonal + (a[i - 1] == b[k - 1] ? 0 : 1);
      diagonal = row[k];
      row[k] = std::min({row[k] + 1, row[k - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

} // namespace

result<duration> parse_duration(std::string_view text) {
  const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string number(text.substr(0, digits));
  const auto name = text.substr(digits);
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  const bool whole = !number.empty() && number.size() < 20 && *end == '\0';
  for (const auto& u : units) {
    if (!whole || u.name != name) continue;
    const double seconds = value * u.seconds;
    if (seconds <= 0 || seconds > seconds_max) break;
    return duration(std::int64_t(std::llround(seconds * 1e9)));
  }
  return fail(errc::invalid, "bad_duration",
              "'" + std::string(text) + "' is no duration: write 250ms, 5s, 2m, 1h or 1d");
}

std::string rough_duration(std::int64_t ms) {
  const auto seconds = std::max<std::int64_t>(0, ms) / 1000;
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 2 * 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 2 * 86400) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string utc_time(wall_ms at) {
  using namespace std::chrono;
  const sys_time<milliseconds> when{milliseconds(at)};
  const auto day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss time{when - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d.%03d UTC", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(time.hours().count()),
                int(time.minutes().count()), int(time.seconds().count()),
                int(time.subseconds().count()));
  return text;
}

std::string sentence(std::string text) {
  constexpr std::string_view ends = ".?!";
  if (!text.empty() && ends.find(text.back()) == ends.npos) text += '.';
  return text;
}

std::string nearest(std::string_view typed, const std::vector<std::string>& candidates) {
  constexpr std::size_t typed_size_max = 64; // longer is nobody's slip
  if (typed.size() > typed_size_max) return {};
  std::string best;
  auto best_distance = typed.size() / 3 + 2;
  for (const auto& c : candidates) {
    const auto distance = edit_distance(typed, c);
    if (distance < best_distance && distance < c.size()) best = c, best_distance = distance;
  }
  return best;
}

} // namespace kith::cli
