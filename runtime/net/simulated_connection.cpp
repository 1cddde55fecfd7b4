// One simulated connection. It behaves as TCP does towards its users: bytes in order, cut anywhere,
// a bounded number of them under way, and an end that is seen after the last byte.
#include "runtime/net/simulated_connection.hpp"

#include <algorithm>

namespace kith::net {
namespace {

error closed_here() { return {errc::cancelled, "closed", "closed here"}; }

} // namespace

simulated_connection::simulated_connection(simulated_network::impl& world, simulated_host& dialler,
                                           simulated_host& acceptor)
    : world_(world), id_(++world.last_connection), ends_{end(dialler), end(acceptor)} {
  world_.connections.emplace(id_, this);
}

simulated_connection::~simulated_connection() { world_.connections.erase(id_); }

void simulated_connection::start(int i, stream_handlers handlers) {
  end& e = ends_[i];
  e.handlers = std::move(handlers);
  e.started = true;
  if (e.ended)
    tell_end(i);
  else
    read_soon(i);
}

void simulated_connection::write(int i, byte_view data) {
  end& e = ends_[i];
  if (e.ended || e.closing || data.empty()) return;
  append(e.out, data);
  pump(i);
}

void simulated_connection::resume(int i) {
  if (!ends_[i].paused) return;
  ends_[i].paused = false;
  read_soon(i);
}

void simulated_connection::close(int i) {
  if (!ends_[i].ended && !ends_[i].closing) finish_output(i, closed_here());
}

void simulated_connection::detach(int i) {
  end& e = ends_[i];
  if (e.detached) return;
  e.detached = true;
  finish(i, closed_here());
  // Not at once: one of the handlers may be the caller.
  world_.schedule(event_kind::told, e.host, world_.clock.now(),
                  [self = shared_from_this(), i] { self->ends_[i].handlers = {}; });
}

// Puts as much of what is written on its way as may be under way.
void simulated_connection::pump(int i) {
  end& e = ends_[i];
  pipe& p = pipes_[i];
  const link_traits& way = link();
  while (unsent(i) > 0 && p.in_flight < way.in_flight_max) {
    const std::size_t most =
        std::min({way.packet_size_max, unsent(i), way.in_flight_max - p.in_flight});
    const std::size_t size = 1 + world_.random.below(most);
    const auto from = e.out.begin() + std::ptrdiff_t(e.out_sent);
    p.in_flight += size;
    push(i, packet_kind::data, bytes(from, from + std::ptrdiff_t(size)));
    e.out_sent += size;
  }
  if (e.out_sent * 2 >= e.out.size()) {
    e.out.erase(e.out.begin(), e.out.begin() + std::ptrdiff_t(e.out_sent));
    e.out_sent = 0;
  }
  if (!e.closing || unsent(i) > 0) return;
  if (!e.fin_sent) {
    e.fin_sent = true;
    push(i, packet_kind::fin);
  }
  if (e.peer_ended) finish(i, e.reason);
}

void simulated_connection::push(int i, packet_kind kind, bytes data) {
  pipe& p = pipes_[i];
  const time_point now = world_.clock.now();
  p.last_arrival = std::max(p.last_arrival, now + world_.delay(*ends_[i].host, *ends_[1 - i].host));
  p.packets.push_back({kind, std::move(data), p.last_arrival});
  if (!p.moving && !p.stalled) move(i, p.last_arrival);
}

void simulated_connection::move(int i, time_point at) {
  pipes_[i].moving = true;
  world_.schedule(event_kind::packet, nullptr, std::max(at, world_.clock.now()),
                  [self = shared_from_this(), i] { self->arrive(i); });
}

void simulated_connection::arrive(int i) {
  pipe& p = pipes_[i];
  p.moving = false;
  if (p.packets.empty()) return;
  if (world_.blocked(*ends_[0].host, *ends_[1].host)) return stall(i);
  packet first = std::move(p.packets.front());
  p.packets.pop_front();
  if (!p.packets.empty()) move(i, p.packets.front().arrival);
  world_.corrupt(*ends_[0].host, *ends_[1].host, first.data);
  world_.mix(std::uint64_t(first.kind) << 32 | first.data.size());
  for (std::size_t at = 0; at + 8 <= first.data.size(); at += 8)
    world_.mix(get_u64(first.data.data() + at));
  deliver(1 - i, std::move(first));
}

void simulated_connection::stall(int i) {
  pipe& p = pipes_[i];
  p.stalled = true;
  const auto count = ++p.stall_count;
  world_.schedule(
      event_kind::packet, nullptr, world_.clock.now() + simulated_network::connection_lost_after,
      [self = shared_from_this(), i, count] {
        pipe& late = self->pipes_[i];
        if (!late.stalled || late.stall_count != count) return;
        if (!self->world_.cut(*self->ends_[0].host, *self->ends_[1].host)) return;
        late.packets.clear();
        self->finish(i, {errc::unavailable, "connection_lost", "the peer went silent"}, false);
      });
}

// The way is open again: what waited is sent anew.
void simulated_connection::let_through() {
  if (world_.blocked(*ends_[0].host, *ends_[1].host)) return;
  for (int i = 0; i < 2; ++i) {
    pipe& p = pipes_[i];
    if (!std::exchange(p.stalled, false) || p.packets.empty()) continue;
    const time_point at = world_.clock.now() + world_.delay(*ends_[i].host, *ends_[1 - i].host);
    p.last_arrival = std::max(p.last_arrival, at);
    move(i, at);
  }
}

void simulated_connection::deliver(int to, packet p) {
  end& e = ends_[to];
  if (p.kind == packet_kind::reset)
    return finish(to, {errc::unavailable, "connection_reset", "the peer broke the connection off"},
                  false);
  if (e.ended) { // nobody is there any more
    if (p.kind == packet_kind::data) push(to, packet_kind::reset);
    return;
  }
  if (p.kind == packet_kind::fin) {
    e.peer_ended = true;
    if (e.in.empty() && reads(e)) on_peer_end(to);
  } else if (e.in.empty() && reads(e)) {
    acknowledge(1 - to, p.data.size());
    if (!e.closing && e.handlers.on_data) e.handlers.on_data(p.data);
  } else {
    append(e.in, p.data);
  }
}

void simulated_connection::read_soon(int i) {
  end& e = ends_[i];
  if (e.reading_soon || !reads(e)) return;
  e.reading_soon = true;
  world_.schedule(event_kind::packet, e.host, world_.clock.now(),
                  [self = shared_from_this(), i] { self->read(i); });
}

// What arrived while the owner did not read.
void simulated_connection::read(int i) {
  end& e = ends_[i];
  e.reading_soon = false;
  if (!reads(e)) return;
  if (!e.in.empty()) {
    const bytes in = std::exchange(e.in, {});
    acknowledge(1 - i, in.size());
    if (!e.closing && e.handlers.on_data) e.handlers.on_data(in);
  }
  if (e.peer_ended && e.in.empty() && reads(e)) on_peer_end(i);
}

// `count` bytes of pipe i were read: room for more, once the sender knows.
void simulated_connection::acknowledge(int i, std::size_t count) {
  pipe& p = pipes_[i];
  const bool first = p.to_acknowledge == 0;
  p.to_acknowledge += count;
  if (!first) return;
  const duration back = world_.delay(*ends_[1 - i].host, *ends_[i].host);
  world_.schedule(
      event_kind::ack, nullptr, world_.clock.now() + back, [self = shared_from_this(), i] {
        pipe& sent = self->pipes_[i];
        sent.in_flight -= std::exchange(sent.to_acknowledge, 0);
        end& e = self->ends_[i];
        const std::size_t before = self->unsent(i);
        if (e.ended || before == 0) return;
        self->pump(i);
        const std::size_t after = self->unsent(i);
        if (e.ended || e.closing || !e.handlers.on_drained) return;
        const bool passed_low = before > byte_stream::low_water && after <= byte_stream::low_water;
        if (passed_low || after == 0) e.handlers.on_drained();
      });
}

void simulated_connection::on_peer_end(int i) {
  end& e = ends_[i];
  if (!e.closing)
    finish_output(i, {errc::unavailable, "closed_by_peer", "the peer closed the connection"});
  else if (unsent(i) == 0)
    finish(i, e.reason);
}

// Sends what is written within the linger time, then ends for `reason`.
void simulated_connection::finish_output(int i, error reason) {
  end& e = ends_[i];
  e.reason = std::move(reason);
  e.closing = true;
  e.linger = world_.schedule(
      event_kind::timer, e.host,
      world_.clock.now() + std::chrono::milliseconds(byte_stream::linger_ms_max),
      [self = shared_from_this(), i] {
        if (self->unsent(i) > 0)
          self->ends_[i].reason = {errc::unavailable, "connection_lost", "the peer takes nothing"};
        self->finish(i, self->ends_[i].reason);
      });
  read_soon(i); // and drops it
  pump(i);
}

void simulated_connection::finish(int i, error reason, bool tell_peer) {
  end& e = ends_[i];
  if (e.ended) return;
  e.ended = true;
  e.reason = std::move(reason);
  e.out.clear();
  e.in.clear();
  e.out_sent = 0;
  world_.events.erase(e.linger);
  if (tell_peer && !std::exchange(e.fin_sent, true)) push(i, packet_kind::fin);
  if (e.started && !e.detached) tell_end(i);
}

void simulated_connection::tell_end(int i) {
  world_.schedule(event_kind::told, ends_[i].host, world_.clock.now(),
                  [self = shared_from_this(), i] {
                    end& over = self->ends_[i];
                    if (over.detached) return;
                    const auto handlers = std::exchange(over.handlers, {});
                    if (handlers.on_closed) handlers.on_closed(over.reason);
                  });
}

bool simulated_connection::joins(const simulated_host& a, const simulated_host& b) const {
  return (ends_[0].host == &a && ends_[1].host == &b) ||
         (ends_[0].host == &b && ends_[1].host == &a);
}

void simulated_connection::reset() {
  for (int i = 0; i < 2; ++i) {
    pipes_[i].packets.clear();
    if (!ends_[i].ended)
      finish(i, {errc::unavailable, "connection_reset", "the network broke the connection off"},
             false);
  }
}

void simulated_connection::crash(const simulated_host& host) {
  for (end& e : ends_) {
    if (e.host != &host) continue;
    e.ended = e.detached = true;
    e.handlers = {};
    e.out.clear();
    e.in.clear();
    e.out_sent = 0;
  }
}

namespace {

// The owner's handle of one end.
class simulated_stream final : public byte_stream {
public:
  simulated_stream(std::shared_ptr<simulated_connection> connection, int end, std::string remote)
      : connection_(std::move(connection)), end_(end), remote_(std::move(remote)) {}
  ~simulated_stream() override { connection_->detach(end_); }

  void start(stream_handlers handlers) override { connection_->start(end_, std::move(handlers)); }
  void write(bytes data) override { connection_->write(end_, data); }
  void write(slice data) override { connection_->write(end_, data); }
  std::size_t unsent() const override { return connection_->unsent(end_); }
  void pause_reading() override { connection_->pause(end_); }
  void resume_reading() override { connection_->resume(end_); }
  void close() override { connection_->close(end_); }
  void abort() override { connection_->detach(end_); }
  std::string remote_address() const override { return remote_; }

private:
  std::shared_ptr<simulated_connection> connection_; // shared with the other end
  int end_;
  std::string remote_;
};

} // namespace

simulated_ends make_simulated_connection(simulated_network::impl& world, simulated_host& dialler,
                                         simulated_host& acceptor, std::string dialled) {
  const bool local = dialled.starts_with("unix:");
  auto both = std::make_shared<simulated_connection>(world, dialler, acceptor);
  const std::string back =
      local ? "unix:"
            : dialler.name() + ":" + std::to_string(50'000 + world.last_connection % 10'000);
  return {std::make_unique<simulated_stream>(both, 0, std::move(dialled)),
          std::make_unique<simulated_stream>(both, 1, back)};
}

} // namespace kith::net
