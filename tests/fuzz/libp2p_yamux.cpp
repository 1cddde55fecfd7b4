// Any bytes as yamux frames, in two cuts: never a crash, the same events either way, and never more
// data than the windows allow.
#include "protocols/libp2p/test_support.hpp"
#include "protocols/libp2p/yamux.hpp"

#include <cstdlib>
#include <map>

using namespace kith;
using namespace kith::libp2p;
using kind = yamux_event::kind;

namespace {

struct outcome {
  bool ok = true;
  std::map<stream_id, bytes> data;
  std::vector<std::pair<kind, stream_id>> rest; // all other events in order
  bytes sent;
  bool operator==(const outcome&) const = default;
};

outcome run(role side, byte_view in, std::size_t piece_size) {
  test::plain_sink sink;
  yamux_limits limits;
  limits.streams_max = 16;
  time_point now{std::chrono::seconds(1000)};
  yamux_session session(side, limits, sink, now);
  for (int i = 0; i < 2; ++i) (void)session.open();
  outcome o;
  std::vector<yamux_event> events;
  while (!in.empty() && o.ok) {
    auto part = in.first(std::min(in.size(), piece_size));
    in = in.subspan(part.size());
    o.ok = session.receive(slice::copy_of(part), now, events).has_value();
  }
  for (auto& e : events) {
    if (e.what == kind::data)
      append(o.data[e.stream], e.data);
    else
      o.rest.emplace_back(e.what, e.stream);
  }
  for (auto& [id, data] : o.data) {
    if (data.size() > yamux_window_initial) std::abort(); // nothing was consumed
    session.consume(id, data.size());
    session.write(id, data);
    session.close_write(id);
  }
  (void)session.tick(now + std::chrono::seconds(40));
  o.sent = sink.take();
  return o;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  role side = (data[0] & 1) != 0 ? role::dialer : role::listener;
  byte_view in(data + 1, size - 1);
  if (run(side, in, 65536) != run(side, in, 7)) std::abort();
  return 0;
}
