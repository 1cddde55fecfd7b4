// Any bytes as a segment of a handler's journal: what decodes must encode to what decodes the same.
#include "runtime/stream/handler_records.hpp"

#include <cstdlib>

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto read = records::decode<records::segment>({data, size});
  if (!read) return 0;
  auto again = records::decode<records::segment>(records::encode(*read));
  if (!again || again->begun != read->begun || again->reads != read->reads) std::abort();
  return 0;
}
