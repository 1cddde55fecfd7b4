// How fast one core carries bytes through a pair of connections in memory: seal, open, yamux and
// back-pressure, all of a link's path but the socket. Not part of the tests; build the target
// libp2p_pump with the release preset.
#include "protocols/libp2p/test_pair.hpp"

#include <cstdio>
#include <cstdlib>

using namespace kith;
using namespace kith::libp2p;

int main(int argc, char** argv) {
  std::size_t total = std::size_t(argc > 1 ? std::atoll(argv[1]) : 2048) << 20;
  std::size_t write_size = std::size_t(argc > 2 ? std::atoll(argv[2]) : 65536);
  std::size_t read_size =
      std::size_t(argc > 3 ? std::atoll(argv[3]) : 131072); // of the pretended socket
  system_clock clock;
  test::pair p({}, test::speaking({"/bulk"}));
  p.pump();
  auto id = *p.dialer.link.open("/bulk");
  p.pump();
  auto body = test::numbered(write_size);
  std::size_t sent = 0, received = 0;
  std::vector<event> events;
  auto begin = clock.now();
  while (received < total) {
    std::size_t before = sent;
    while (sent - before < read_size) {
      auto n = p.dialer.link.write(id, body);
      sent += n;
      if (n < body.size()) break;
    }
    auto to_listener = p.dialer.link.take_output();
    for (byte_view rest = to_listener.view(); !rest.empty();) {
      auto part = rest.first(std::min(rest.size(), read_size));
      rest = rest.subspan(part.size());
      if (!p.listener.link.receive(part, clock.now())) return 1;
      events = p.listener.link.take_events(std::move(events));
      for (auto& e : events)
        if (auto* d = std::get_if<stream_data>(&e)) {
          received += d->data.size();
          p.listener.link.consume(id, d->data.size());
        }
      events.clear();
    }
    auto to_dialer = p.listener.link.take_output();
    if (!p.dialer.link.receive(to_dialer, clock.now())) return 1;
    events = p.dialer.link.take_events(std::move(events));
  }
  auto seconds = std::chrono::duration<double>(clock.now() - begin).count();
  std::printf("%.0f MiB/s through both ends on one core (%zu B writes)\n",
              double(received >> 20) / seconds, write_size);
}
