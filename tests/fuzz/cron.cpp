// Any text as a cron expression and, before a line's end, a time zone: what parses gives times that
// go forward, in that zone or in UTC, and are within the years that it looks at.
#include "runtime/schedule/cron.hpp"

#include <cstdlib>

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  auto zone = time_zone::find(line == std::string_view::npos ? "UTC" : text.substr(0, line));
  auto cron = cron_expression::parse(text.substr(line == std::string_view::npos ? 0 : line + 1));
  if (!cron) return 0;
  const auto where = zone ? *zone : *time_zone::find("UTC");
  std::int64_t at = 1'774'500'000; // some days before Europe's clocks go forward
  for (int i = 0; i < 8; ++i) {
    const auto next = cron->next(at, where);
    if (!next) return 0;
    if (*next <= at || *next > at + cron_expression::years_max * 367LL * 86'400) std::abort();
    at = *next;
  }
  return 0;
}
