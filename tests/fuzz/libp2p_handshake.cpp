// Any bytes as the peer of a libp2p connection, in either role; keys and randomness are fixed, so
// that the corpus holds whole handshakes. Never a crash, and never secured with anybody who does
// not hold the key that the corpus' peer has.
#include "protocols/libp2p/test_pair.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::libp2p;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  role side = (data[0] & 1) != 0 ? role::dialer : role::listener;
  std::size_t piece_max = 1 + data[1] * 8u;
  test::end end(side, test::key_of(1), 1, test::speaking({"/a"}));
  seeded_random random(size);
  test::in_pieces(byte_view(data + 2, size - 2), piece_max, random, [&](byte_view in) {
    (void)end.link.receive(in, test::at(1));
    end.link.take_output();
    end.collect();
  });
  if (end.link.peer() && *end.link.peer() != test::key_of(2).did()) std::abort();
  if (end.link.is_muxed() && !end.link.peer()) std::abort();
  return 0;
}
