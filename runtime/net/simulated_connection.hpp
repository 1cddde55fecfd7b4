// One simulated connection: two ends and a one-way pipe from each to the other. For this folder
// only.
#pragma once

#include "runtime/net/simulated_impl.hpp"

#include <array>
#include <deque>

namespace kith::net {

// Ends are numbered 0 and 1; pipe i leads from end i. Shared by the two handles and by events under
// way.
class simulated_connection : public std::enable_shared_from_this<simulated_connection> {
public:
  simulated_connection(simulated_network::impl& world, simulated_host& dialler,
                       simulated_host& acceptor);
  ~simulated_connection();

  // What byte_stream promises, for end i.
  void start(int i, stream_handlers handlers);
  void write(int i, byte_view data);
  std::size_t unsent(int i) const { return ends_[i].out.size() - ends_[i].out_sent; }
  void pause(int i) { ends_[i].paused = true; }
  void resume(int i);
  void close(int i);
  void detach(int i);

  // What the world does to it.
  bool joins(const simulated_host& a, const simulated_host& b) const;
  void reset();
  void crash(const simulated_host& host);
  void let_through();

private:
  enum class packet_kind : unsigned char { data, fin, reset };
  struct packet {
    packet_kind kind;
    bytes data;
    time_point arrival;
  };
  struct end {
    explicit end(simulated_host& h) : host(&h) {}
    simulated_host* host;
    stream_handlers handlers;
    bytes out; // written; the first out_sent of it are under way
    std::size_t out_sent = 0;
    bytes in; // arrived, while the owner does not read
    error reason;
    event_key linger;
    bool started = false, paused = false, reading_soon = false;
    bool closing = false, fin_sent = false, peer_ended = false, ended = false, detached = false;
  };
  struct pipe {
    std::deque<packet> packets;
    std::size_t in_flight = 0; // sent and not read, or read and not acknowledged
    std::size_t to_acknowledge = 0;
    time_point last_arrival{};
    bool moving = false;  // an event will take the first packet
    bool stalled = false; // the way is cut; the packets wait
    std::uint64_t stall_count = 0;
  };

  bool reads(const end& e) const { return !e.ended && (e.closing || (e.started && !e.paused)); }
  const link_traits& link() const { return world_.link(*ends_[0].host, *ends_[1].host); }
  void pump(int i);
  void push(int i, packet_kind kind, bytes data = {});
  void move(int i, time_point at);
  void arrive(int i);
  void stall(int i);
  void deliver(int to, packet p);
  void read_soon(int i);
  void read(int i);
  void acknowledge(int i, std::size_t count);
  void on_peer_end(int i);
  void finish_output(int i, error reason);
  void finish(int i, error reason, bool tell_peer = true);
  void tell_end(int i);

  simulated_network::impl& world_;
  const std::uint64_t id_;
  std::array<end, 2> ends_;
  std::array<pipe, 2> pipes_;
};

} // namespace kith::net
