// Many hosts and the network between them in one thread, driven by a seed and a clock that only
// moves when told to. Code written against reactor and network runs here unchanged, and a run
// repeats itself exactly from its seed.
#pragma once

#include "runtime/net/network.hpp"
#include "runtime/net/reactor.hpp"

namespace kith::net {

// How the way between two hosts behaves.
struct link_traits {
  duration latency = std::chrono::milliseconds(1); // one way, for every packet
  duration jitter =
      std::chrono::microseconds(500); // up to this much more, by chance; order is kept
  // Bytes under way or unread per connection and direction; past it the sender's bytes wait in its
  // queue.
  std::size_t in_flight_max = 256 * 1024;
  std::size_t packet_size_max =
      16 * 1024; // what is sent is cut into random packets up to this size
  // Of so many packets in a thousand the first sending is lost, and each further one of them: they
  // come when they are sent again, and hold up what is behind them.
  std::uint32_t loss_in_thousand = 0;
  bool black_hole = false; // packets vanish silently and connections stay up; both directions
};

// The whole simulated world. Single-threaded, not thread-safe; `clock` is advanced by it alone and
// outlives it. Hosts, streams, listeners and networks taken from it must be gone before it is.
class simulated_network {
public:
  simulated_network(manual_clock& clock, std::uint64_t seed, link_traits between_all = {});
  ~simulated_network();
  simulated_network(const simulated_network&) = delete;

  // What a host's programs are given. The host is made at the first call; its name is what others
  // dial: "alpha:4001". A listener may name its own host, "0.0.0.0" or "127.0.0.1"; the latter two
  // dialled mean the host itself. Both references live as long as the world, also across crash().
  reactor& reactor_of(std::string_view host);
  network& network_of(std::string_view host);

  // What the host's name stands for in the eyes of a connect_options::allow. By default its name,
  // if that is a number, and else a made-up public address.
  void set_address(std::string_view host, const ip_address& a);

  // Replaces the traits of the way between two hosts, both directions, also for connections that
  // exist.
  void set_link(std::string_view a, std::string_view b, link_traits traits);
  // Cuts the way: packets wait for heal(), dials time out, and a cut longer than
  // `connection_lost_after` ends the connections that have something to send with
  // "connection_lost".
  void partition(std::string_view a, std::string_view b);
  void heal(std::string_view a, std::string_view b);
  void heal_all();
  // Resets every connection between the two, at once for both ends ("connection_reset").
  void drop_connections(std::string_view a, std::string_view b);
  // A bit of the next packet with data that arrives between the two is another one.
  void corrupt_next(std::string_view a, std::string_view b);
  std::uint64_t corrupted_count() const;
  // The host loses its jobs, timers, ports and connections silently; its peers see
  // "connection_reset" once a packet of theirs reaches it, and refused dials until something
  // listens there again.
  void crash(std::string_view host);

  // When the next event is due; nullopt: there is none.
  std::optional<time_point> next_event() const;
  // Runs the next event, moving the clock to it; false if there is none.
  bool step();
  // Runs all events of the next `span` and leaves the clock at its end. False if more than
  // `events_max` would have run: something spins.
  bool run_for(duration span);
  // Runs until `done` holds; false if it did not within `span`.
  bool run_until(const std::function<bool()>& done, duration span);

  // A running hash of every event so far: two runs of a seed have the same.
  std::uint64_t trace() const;
  std::uint64_t event_count() const;

  static constexpr std::uint64_t events_max = 50'000'000; // a call of run_for or run_until
  static constexpr duration connection_lost_after = std::chrono::seconds(20);

  struct impl; // for the sources of this folder

private:
  std::unique_ptr<impl> impl_;
};

} // namespace kith::net
