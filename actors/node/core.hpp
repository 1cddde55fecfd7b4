// A node above what it stands on: its record in the store, its door for links, its supervision
// tree. node.cpp sets it on the machine, actors/simulation on simulated ground. Internal to these.
#pragma once

#include "actors/node/parts.hpp"

namespace kith {

// To be set before the rest is called, in this order: log, keys, cluster_secret, delegations, disk,
// journal.
class node_core : public node_parts {
public:
  node_core(node_options options, const node_ground& on);
  ~node_core();

  // How long parts other than agents may take to stop.
  static constexpr duration stop_grace = std::chrono::seconds(2);

  // The store is a backup, put back: what it forgot, others may know. Every agent sends in a new
  // incarnation from now on, and no journal position is used twice (semantics.md 2). Before the
  // journal is made; once more does no harm. Nothing in an empty store; errors of the store.
  result<void> restore_store();
  // Finds this node in the store, or enters it there; `done` once that is durable, on the journal's
  // thread. conflict "foreign_store"; those of the store.
  result<void> enter_store(std::function<void(const result<journal_position>&)> done);
  // Takes links. On the reactor's thread; the errors of network::listen.
  result<void> listen();
  // Starts membership, links and every agent of the store.
  void start_tree(caf::actor_system& system);

private:
  session_ports session();
  void greet(std::unique_ptr<net::byte_stream> socket);
  child_spec child(std::string child_name,
                   std::function<caf::actor(caf::actor_system&)> start) const;
  caf::actor start_supervisor(caf::actor_system& s, const std::string& path, duration deadline,
                              bool together);
  caf::actor start_link(caf::actor_system& on, const did& peer, caf::actor to_tell);
};

} // namespace kith
