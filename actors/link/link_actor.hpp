// The actor that owns everything about one peer node: the streams to it, the acks to it, what it
// says of its agents. It lives as long as the peer is known; connections come and go beneath it.
#pragma once

#include "actors/base/agent_directory.hpp"
#include "actors/base/delegation_book.hpp"
#include "actors/base/peer_table.hpp"
#include "actors/link/link_session.hpp"
#include "actors/link/link_streams.hpp"
#include "runtime/store/journal.hpp"

namespace kith {

// What of the node a link uses; all of it outlives the links.
struct link_ports {
  did self;
  const clock& time;
  store::backend& disk;
  store::journal& journal;
  kith::router& router;
  agent_directory& directory;
  delegation_book& delegations;
  peer_table& peers;
  observe::logger log;
  std::function<void(const did& peer, journal_position seen)>
      remember; // the highest position of the peer's journal
};

class link_actor final : public caf::event_based_actor, private frame_sink {
public:
  // A peer that does not answer pings for so long is down.
  static constexpr duration ping_interval = std::chrono::seconds(1);
  static constexpr duration silence_max = std::chrono::seconds(5);

  // Those who hand it envelopes ask the gate first.
  link_actor(caf::actor_config& config, did peer, caf::actor cluster, link_ports ports,
             std::shared_ptr<actor_gate> gate);
  caf::behavior make_behavior() override;
  const char* name() const override { return "kith.link"; }
  // Lets go of those who know it.
  void on_exit() override;

private:
  void control(const wire::frame& f) override;
  void data(bytes frame) override;
  bool room() const override;
  bool takes_at_least_once() const override;

  void adopt(std::shared_ptr<link_session> session);
  void frames(link_frames& f);
  void frame(wire::frame& f);
  void position(const stream_position& p);
  void take_directory(const wire::directory& d);
  void lost(const error& why);
  void tick();
  void announce();
  void open_streams();

  did peer_;
  caf::actor cluster_;
  link_ports ports_;
  std::shared_ptr<actor_gate> gate_; // shared with the router and senders
  link_streams streams_;
  std::shared_ptr<link_session> session_; // shared with the reactor; null: not connected
  std::unordered_map<stream_id, wire::stream_number>
      inbound_; // the peer's numbers of what it sends us
  time_point heard_{};
  time_point pinged_{};
  std::uint64_t nonce_ = 0;
  journal_position seen_ = 0;
};

} // namespace kith
