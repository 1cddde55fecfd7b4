// The actor that keeps the cluster together: it listens, dials whom membership says, and gives
// every connection that proved itself to the link of its peer.
#pragma once

#include "actors/base/agent_directory.hpp"
#include "actors/base/peer_table.hpp"
#include "actors/link/link_session.hpp"
#include "actors/membership/membership.hpp"
#include "runtime/store/journal.hpp"

namespace kith {

struct cluster_ports {
  session_ports session;
  net::network& network;
  store::journal& journal;
  store::backend& disk;
  kith::router& router;
  peer_table& peers;
  observe::logger log;
  caf::actor links; // the supervisor that a link is started under
  // Starts the link to a peer; what the supervisor runs.
  std::function<caf::actor(caf::actor_system&, const did& peer, caf::actor cluster)> start_link;
  std::function<void(bool joined)> on_joined;
  std::function<void(const error&)> on_fatal;
  std::function<void(const did& peer, bool up)> on_link; // may be empty
};

struct cluster_options {
  std::string name;
  std::vector<std::string> addresses; // where we are reached
  std::vector<std::string> seeds;
  std::uint64_t boot_epoch = 1;
  bool restored = false; // by this start: peers may have seen more of this node than it knows
};

// The highest journal position that was seen of each peer; links note it, hellos tell it
// (semantics.md 2).
class seen_positions {
public:
  void note(const did& peer, journal_position p) {
    std::lock_guard lock(mutex_);
    auto& have = seen_[peer];
    have = std::max(have, p);
  }
  journal_position of(const did& peer) const {
    std::lock_guard lock(mutex_);
    auto it = seen_.find(peer);
    return it == seen_.end() ? 0 : it->second;
  }

private:
  mutable std::mutex mutex_;
  std::map<did, journal_position> seen_;
};

class cluster_actor final : public caf::event_based_actor {
public:
  static constexpr duration tick_interval = std::chrono::milliseconds(50);
  static constexpr duration dial_timeout = std::chrono::seconds(5);

  cluster_actor(caf::actor_config& config, cluster_options options, cluster_ports ports,
                std::shared_ptr<seen_positions> seen);
  caf::behavior make_behavior() override;
  const char* name() const override { return "kith.cluster"; }
  // Lets go of those who know it.
  void on_exit() override;

  // For a connection that was accepted or dialled; on the reactor's thread.
  static void greet(std::unique_ptr<net::byte_stream> socket, bool dialed,
                    const std::string& address, std::optional<did> expected,
                    const wire::hello& hello, const session_ports& ports,
                    const caf::actor& cluster);

private:
  void load_peers();
  void tick();
  void dial(const membership::dial& d);
  void opened(session_opened& s);
  void started(const did& peer);
  void wait(const did& peer, std::shared_ptr<link_session> session);
  void failed(const dial_failed& f);
  void changed(const link_changed& c);
  void save(const peer_info& peer);
  wire::hello hello() const;

  cluster_options options_;
  cluster_ports ports_;
  std::shared_ptr<seen_positions> seen_; // shared with the links, which note what they see
  membership members_;
  // Until the link has started: the newest that we dialled and the newest that the peer did, of
  // which the link then keeps one. Shared with the reactor.
  std::map<did, std::vector<std::shared_ptr<link_session>>> waiting_;
  // Every session that a link was given and that may still live: which of them it keeps is its own
  // affair.
  std::map<did, std::vector<std::weak_ptr<link_session>>> given_;
  bool joined_ = false;
  bool stopping_ = false;
};

} // namespace kith
