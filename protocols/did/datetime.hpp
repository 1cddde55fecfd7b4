// Times in DID documents: XML Schema dateTimeStamp (XML Schema 1.1 part 2 section 3.4.28), that is,
// an RFC 3339 time with its zone.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"

namespace kith::dids {

// "2026-01-31T23:59:59Z", in UTC, with three decimals only where the milliseconds are not 0. What
// lies outside the years 0000 to 9999 is written as the nearest that does not.
std::string format_datetime(wall_ms t);
// Any zone; decimals past milliseconds are cut off. malformed "bad_datetime", also without a zone.
result<wall_ms> parse_datetime(std::string_view text);

} // namespace kith::dids
