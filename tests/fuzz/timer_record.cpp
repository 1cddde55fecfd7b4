// Any bytes as a stored timer: what decodes must encode to the same bytes, and its schedule either
// be refused or give times that go forward.
#include "runtime/schedule/timer_record.hpp"

#include <cstdlib>

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const byte_view all(data, size);
  const auto read = records::decode_timer(all);
  if (!read) return 0;
  if (!equal(records::encode(*read), all)) std::abort();
  const auto when = schedule::make(read->when);
  if (!when) return 0;
  if (const auto next = when->next(read->due); next && *next <= read->due) std::abort();
  const auto late = when->behind(read->due, read->due + 3'600'000, 10);
  if (late.count == 0 || late.kept > late.last) std::abort();
  return 0;
}
