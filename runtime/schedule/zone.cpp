#include "runtime/schedule/zone.hpp"

#include <algorithm>
#include <date/tz.h>

namespace kith {

namespace {

const date::time_zone& library_zone(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
}

bool has(const date::tzdb& all, std::string_view name, const date::time_zone*& found) {
  // Not locate_zone(), which throws. The table is sorted by name.
  auto at =
      std::lower_bound(all.zones.begin(), all.zones.end(), name,
                       [](const date::time_zone& a, std::string_view b) { return a.name() < b; });
  if (at == all.zones.end() || at->name() != name) return false;
  found = &*at;
  return true;
}

// Files made by `zic -b slim` end at the last irregular change (HowardHinnant/date, issue 614).
// Somewhere clocks still change in 2036.
bool is_slim(const date::tzdb& all) {
  constexpr date::sys_seconds january(std::chrono::seconds(2'084'140'800));
  constexpr date::sys_seconds july(std::chrono::seconds(2'099'865'600));
  bool known = false;
  for (const auto* name : {"Europe/Berlin", "America/New_York", "Pacific/Auckland"}) {
    const date::time_zone* zone = nullptr;
    if (!has(all, name, zone)) continue;
    known = true;
    if (zone->get_info(january).offset != zone->get_info(july).offset) return false;
  }
  return known;
}

bool is_name(std::string_view s) {
  return !s.empty() && s.size() <= time_zone::name_size_max &&
         std::all_of(s.begin(), s.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '_' || c == '-' || c == '+';
         });
}

} // namespace

result<time_zone> time_zone::find(std::string_view name) {
  time_zone z;
  if (name == "UTC") return z;
  const auto unknown = [&] {
    return fail(errc::invalid, "unknown_zone",
                "no time zone " + std::string(name.substr(0, name_size_max)) +
                    ": IANA names are wanted, as Europe/Berlin");
  };
  if (!is_name(name)) return unknown();
  const date::tzdb* all = nullptr;
  try {
    all = &date::get_tzdb();
  } catch (const std::runtime_error& e) {
    return fail(errc::unavailable, "no_tzdata",
                std::string("time zones cannot be read; install tzdata: ") + e.what());
  }
  const date::time_zone* found = nullptr;
  if (!has(*all, name, found)) return unknown();
  if (is_slim(*all))
    return fail(errc::unsupported, "slim_tzdata",
                "this machine's tzdata is of the slim kind, which Kith does not read; Debian's is "
                "fat (zic -b fat)");
  z.zone_ = found;
  return z;
}

std::int64_t time_zone::reading(std::int64_t instant) const {
  if (zone_ == nullptr) return instant;
  const auto info = library_zone(zone_).get_info(date::sys_seconds(std::chrono::seconds(instant)));
  return instant + info.offset.count();
}

std::int64_t time_zone::first(std::int64_t reading) const {
  if (zone_ == nullptr) return reading;
  const auto info =
      library_zone(zone_).get_info(date::local_seconds(std::chrono::seconds(reading)));
  if (info.result == date::local_info::nonexistent)
    return info.first.end.time_since_epoch().count();
  return reading - info.first.offset.count();
}

} // namespace kith
