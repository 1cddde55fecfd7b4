// Any bytes as an envelope: what parses must be readable, within its limits, and build again to an
// equal one.
#include "runtime/stream/envelope.hpp"

#include <algorithm>
#include <cstdlib>

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto parsed = envelope::parse(slice::copy_of({data, size}));
  if (!parsed) return 0;
  auto again = envelope::parse(envelope::build(parsed->fields()).raw());
  if (!again) std::abort();
  auto a = parsed->fields(), b = again->fields();
  bool same = a.id == b.id && a.from == b.from && a.to == b.to && a.kind == b.kind &&
              a.content_type == b.content_type && equal(a.payload, b.payload) &&
              a.created == b.created && a.time_to_live_ms == b.time_to_live_ms &&
              a.correlation == b.correlation && a.replay_of == b.replay_of && a.qos == b.qos &&
              a.lane == b.lane && a.status == b.status && a.wants_answer == b.wants_answer &&
              a.incarnation == b.incarnation && a.seq == b.seq && a.previous == b.previous &&
              a.trace == b.trace && a.tombstone_of == b.tombstone_of &&
              std::equal(a.chain.begin(), a.chain.end(), b.chain.begin(), b.chain.end());
  if (!same) std::abort();
  (void)parsed->hash();
  return 0;
}
