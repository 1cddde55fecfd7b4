// Any bytes from a peer that has proved who it is: what lies behind the handshake (yamux,
// negotiation of streams, ping, identify) and what the owner does with it. Never a crash, and no
// more output than its limit.
#include "protocols/libp2p/connection_impl.hpp"
#include "protocols/libp2p/test_pair.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::libp2p;

namespace {

void serve(test::end& end) {
  for (auto& e : end.link.take_events()) {
    if (auto* x = std::get_if<stream_data>(&e)) {
      end.link.write(x->stream, x->data);
      end.link.consume(x->stream, x->data.size());
    }
    if (auto* x = std::get_if<stream_finished>(&e)) end.link.close_write(x->stream);
    if (auto* x = std::get_if<stream_opened>(&e)) (void)end.link.open(x->protocol);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto options = test::speaking({"/a"});
  options.streams_max = 8;
  options.output_size_max = 1 << 20;
  test::end end(role::listener, test::key_of(1), 1, options);
  auto sender = test::mux_with(end);
  if (!sender) std::abort();
  (void)end.link.ping(test::at(1));
  for (byte_view rest(data, size); !rest.empty();) {
    auto part = rest.first(std::min<std::size_t>(rest.size(), 1 + rest[0] * 4u));
    rest = rest.subspan(part.size());
    sender->append(part);
    (void)end.link.receive(sender->take(), test::at(2));
    serve(end);
  }
  if (end.link.output_size() > options.output_size_max + 2 * control_output_max) std::abort();
  (void)end.link.tick(test::at(60'000));
  return 0;
}
