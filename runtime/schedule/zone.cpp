#include "runtime/schedule/zone.hpp"

#include <algorithm>
#include <date/tz.h>

namespace kith {

namespace {

const date::time_zone& library_zone(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
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
  // Not locate_zone(), which throws. The table is sorted by name.
  auto found =
      std::lower_bound(all->zones.begin(), all->zones.end(), name,
                       [](const date::time_zone& a, std::string_view b) { return a.name() < b; });
  if (found == all->zones.end() || found->name() != name) return unknown();
  z.zone_ = &*found;
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
