// Any bytes as a connection of /kith/stream/1, in two cuts: never a crash, the same frames either
// way, and what was decoded can be encoded and decoded again.
#include "protocols/kith/decode.hpp"
#include "protocols/kith/encode.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_view all(data, size);
  decoder whole, cut;
  reassembler parts;
  bool ok = whole.feed(all).has_value();
  auto frames = whole.take();
  std::size_t count = 0;
  for (std::size_t at = 0; at < size; at += 13) {
    bool went_on = cut.feed(all.subspan(at, std::min<std::size_t>(13, size - at))).has_value();
    count += cut.take().size();
    if (!went_on) break;
  }
  if (count != frames.size()) std::abort();
  if (ok && cut.feed({}).has_value() != ok) std::abort();
  for (const auto& f : frames) {
    if (const auto* part = std::get_if<fragment>(&f)) (void)parts.add(*part);
    if (const auto* b = std::get_if<batch>(&f))
      for (const auto& item : b->items) (void)envelope::parse(item.raw);
    auto encoded = encode(f);
    // A list whose entries shared their bytes may have grown past a frame.
    if (encoded.size() > frame_size_max) continue;
    decoder again;
    if (!again.feed(encoded) || again.take().size() != 1) std::abort();
  }
  return 0;
}
