// Any bytes as multistream-select, to a dialer and to a listener, in two cuts: never a crash, the
// same outcome either way, and only what was proposed or is spoken is ever agreed on.
#include "protocols/libp2p/test_support.hpp"
#include "protocols/libp2p/upgrade.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::libp2p;

namespace {

const std::vector<std::string> protocols{"/a", "/bb"};

struct outcome {
  bool ok = true;
  std::optional<std::string> agreed;
  bytes sent, rest;
  bool operator==(const outcome&) const = default;
};

outcome run(bool dials, byte_view in, std::size_t piece_size) {
  auto n = dials ? negotiation::dial(protocols) : negotiation::listen(protocols);
  outcome o;
  n.start(o.sent);
  while (!in.empty() && o.ok) {
    auto part = in.first(std::min(in.size(), piece_size));
    in = in.subspan(part.size());
    o.ok = n.receive(part, o.sent).has_value();
    if (o.ok) append(o.rest, part);
  }
  o.agreed = n.agreed();
  return o;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (bool dials : {false, true}) {
    auto whole = run(dials, byte_view(data, size), size + 1);
    if (whole != run(dials, byte_view(data, size), 3)) std::abort();
    if (whole.agreed && *whole.agreed != "/a" && *whole.agreed != "/bb") std::abort();
    if (!whole.agreed && !whole.rest.empty()) std::abort();
  }
  return 0;
}
