// What one node is made of, in the order in which it is built; torn down in reverse. Internal to
// this room.
#pragma once

#include "actors/base/agent_directory.hpp"
#include "actors/base/delegation_book.hpp"
#include "actors/base/peer_table.hpp"
#include "actors/base/tree_view.hpp"
#include "actors/link/link_actor.hpp"
#include "actors/mailbox/mailbox_actor.hpp"
#include "actors/membership/cluster_actor.hpp"
#include "actors/node/node.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "runtime/identity/keystore.hpp"
#include "runtime/net/asio_network.hpp"
#include "runtime/observe/logger.hpp"
#include "runtime/store/rocks_backend.hpp"

#include <future>

namespace kith {

class control_server;

struct node_parts {
  node_options options;
  std::string name;
  std::string link_address; // as others are told
  wall_ms started = 0;
  std::uint64_t boot_epoch = 1;
  bool unclean = false;
  mailbox_limits limits;

  kith::system_clock time;
  system_random random;
  std::optional<observe::log_hub> logs;
  observe::logger log;
  std::optional<keystore> keys;
  crypto::secret_buffer cluster_secret;
  std::unique_ptr<store::rocks_backend> disk;
  std::unique_ptr<store::journal> journal;
  kith::router router;
  agent_directory directory;
  peer_table peers;
  tree_view tree;
  std::optional<delegation_book> delegations;
  std::shared_ptr<seen_positions> seen =
      std::make_shared<seen_positions>(); // shared with the cluster's actor
  net::asio_reactor reactor;
  std::optional<net::asio_network> network;
  std::unique_ptr<net::listener> listener;
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<control_server> control;

  std::mutex mutex; // guards what follows
  caf::actor root, links, agents, cluster;
  bool joined = false;
  bool draining = false;
  bool stopped = false;
  bool fatal = false;
  std::condition_variable changed;

  const did& self() const { return keys->node_key().did(); }
  void die(const error& why); // once: tells whoever started the node
};

// ---- agents.cpp

// Every agent that the store knows, and the node's own, as children for the supervisor of agents.
result<std::vector<child_spec>> stored_agents(node_parts& parts);
// What a mailbox asks of its node.
mailbox::environment environment_for(node_parts& parts, const tenant& who);
child_spec agent_child(node_parts& parts, tenant who);

// ---- where.cpp

// What this node knows of a message: a JSON array of history entries.
std::string where_here(node_parts& parts, const uuid& id);

} // namespace kith
