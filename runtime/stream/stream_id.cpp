#include "runtime/stream/stream_id.hpp"

#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace kith {

// From, to, lane, incarnation: the DIDs with a varint of their size before them, the rest
// big-endian.
static bytes parts_of(const stream_id& s) {
  bytes out;
  out.reserve(s.from.text().size() + s.to.text().size() + 13);
  for (const auto* d : {&s.from, &s.to}) {
    put_varint(out, d->text().size());
    append(out, as_bytes(d->text()));
  }
  out.push_back(std::uint8_t(s.lane));
  put_u64(out, s.incarnation);
  return out;
}

stream_key stream_id::key() const {
  auto whole = crypto::blake2b_256(parts_of(*this));
  stream_key out;
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

static std::string shortened(const did& d) {
  std::string_view s = d.text();
  if (s.substr(0, 8) == "did:key:") s.remove_prefix(8);
  if (s.size() <= 12) return std::string(s);
  return std::string(s.substr(0, 4)) + ".." + std::string(s.substr(s.size() - 4));
}

std::string stream_id::text() const {
  bytes number;
  put_u64(number, incarnation);
  return shortened(from) + " -> " + shortened(to) +
         (lane == lane::answer ? " answer#" : " request#") + to_hex(number).substr(12);
}

std::string_view to_string(disposition d) {
  switch (d) {
  case disposition::none: return "none";
  case disposition::handled: return "handled";
  case disposition::refused: return "refused";
  case disposition::expired: return "expired";
  case disposition::dead: return "dead";
  }
  return "?";
}

} // namespace kith
