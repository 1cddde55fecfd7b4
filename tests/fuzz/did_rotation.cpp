// Any bytes as a rotation record and as a key history: what is read is exactly what is written
// again, and a history that verifies has one key at each time.
#include "protocols/did/rotation.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::dids;

static void check(bool ok) {
  if (!ok) std::abort();
}

static void check_history(const key_history& h) {
  auto periods = h.periods();
  check(periods.size() == h.records().size() && !periods.back().until);
  for (const auto& p : periods) {
    check(h.key_at(p.from)->key == p.key);
    if (p.until) check(p.from < *p.until && h.key_at(*p.until - 1)->key == p.key);
  }
  check(!h.key_at(periods.front().from - 1));
  auto same = h;
  check(same.extend(h).has_value() && same == h);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_view in(data, size);
  if (auto r = rotation::decode(in)) {
    check(equal(r->encode(), in));
    check(in.size() <= rotation::encoded_size_max);
    if (auto h = key_history::verify({*r})) check_history(*h);
  }
  if (auto h = key_history::decode(in)) {
    check(equal(h->encode(), in));
    check_history(*h);
  }
  return 0;
}
