// What one node is made of, in the order in which it is built; torn down in reverse. Internal to
// this room.
#pragma once

#include "actors/base/agent_directory.hpp"
#include "actors/base/delegation_book.hpp"
#include "actors/base/peer_table.hpp"
#include "actors/base/tree_view.hpp"
#include "actors/base/watchdog.hpp"
#include "actors/edge/histories.hpp"
#include "actors/edge/inbox_hub.hpp"
#include "actors/edge/server.hpp"
#include "actors/link/link_actor.hpp"
#include "actors/mailbox/mailbox_actor.hpp"
#include "actors/membership/cluster_actor.hpp"
#include "actors/node/crash_log.hpp"
#include "actors/node/metering.hpp"
#include "actors/node/node.hpp"
#include "actors/node/sleepers.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "runtime/audit/audit_log.hpp"
#include "runtime/identity/keystore.hpp"
#include "runtime/net/network.hpp"
#include "runtime/net/reactor.hpp"
#include "runtime/observe/logger.hpp"
#include "runtime/store/journal.hpp"

#include <future>
#include <set>

namespace kith {

class control_server;
class store_work;
// What a node stands on: the machine, or a simulated one. All of it outlives the node.
struct node_ground {
  const kith::clock& time;
  random_source& random;
  net::reactor& reactor; // links and the control socket
  net::network& network;
  bool threads = true; // agents of types that block have threads of their own
};

struct edge_host;

// A handler wrote a durable as it had read it before an await, and another turn had changed it.
struct stale_write {
  did agent;
  std::string type, cell, handler;
  std::string text() const;
};

struct node_parts {
  node_parts(node_options o, const node_ground& on);
  ~node_parts();

  node_options options;
  std::string name;
  std::string link_address; // as others are told
  wall_ms started = 0;
  std::uint64_t boot_epoch = 1; // one more by each restore
  bool restored = false;        // by this start
  bool unclean = false;
  mailbox_limits limits;

  const kith::clock& time;
  random_source& random;
  net::reactor& reactor;
  net::network& network;
  const bool threads;
  node_metering meters; // before the journal and all that counts
  std::optional<observe::log_hub> logs;
  observe::logger log;
  std::unique_ptr<audit::audit_log> audit; // null: a simulated node, which nobody administers
  // By logger: what takes its level back. The reactor's alone; 0: nothing does.
  std::map<std::string, net::timer_id> log_timers;
  std::optional<keystore> keys;
  crypto::secret_buffer cluster_secret;
  std::unique_ptr<store::backend> disk;
  std::function<result<std::uint64_t>()> free_bytes; // of the disk
  std::unique_ptr<store_work> work;                  // null: the store is in memory
  std::unique_ptr<store::journal> journal;
  kith::router router;
  agent_directory directory;
  peer_table peers;
  tree_view tree;
  watch_table watches;
  crash_log crashes;
  watchdog dog;
  std::atomic<bool> ending{false};      // agents that go down now go with the node
  caf::actor_system* spawner = nullptr; // once the tree starts
  std::mutex rousing;                   // one wake at a time
  key_set unwoken; // of those asleep: not awake since an unclean stop; under `rousing`
  alarm_clock alarms;
  std::atomic<std::uint64_t> sleeps{0}; // agents that fell asleep
  std::uint64_t given_back = 0;         // of them, when memory was; the reactor's
  std::atomic<bool> giving_back{false}; // that will be looked at
  std::optional<delegation_book> delegations;
  std::shared_ptr<seen_positions> seen =
      std::make_shared<seen_positions>();                 // shared with the cluster's actor
  std::function<void(const stale_write&)> on_stale_write; // empty: not looked for
  edge::inbox_hub hub;
  edge::history_book histories;
  std::unique_ptr<net::listener> listener;
  std::unique_ptr<control_server> control;
  std::unique_ptr<edge_host> edge;
  std::string edge_url; // empty: there is no edge

  std::mutex mutex; // guards what follows
  caf::actor root, links, agents, cluster;
  std::map<std::string, caf::actor> supervisors; // that the program declares; without failed ones
  std::set<did> opening;                         // mailboxes of DIDs outside that are being set up
  std::set<did> publishing;                      // key histories that are being stored or erased
  std::atomic<std::uint64_t> births{0};          // the last agent's place among its siblings
  bool joined = false;
  bool draining = false;
  bool stopped = false;
  bool fatal = false;
  std::condition_variable changed;

  const did& self() const { return keys->node_key().did(); }
  void die(const error& why); // once: tells whoever started the node
};

// ---- agents.cpp

// All of this node that have not ended themselves.
result<void> each_agent(node_parts& parts,
                        const std::function<result<void>(const records::agent_record&)>& visit);
// Every agent that the store knows becomes local, before any of them runs.
result<void> know_agents(node_parts& parts);
// Those that run under the supervisor of that name, as its children; empty: under the node, as all
// do whose supervisor this program does not declare.
result<std::vector<child_spec>> stored_agents(node_parts& parts, const std::string& under);
// What a mailbox asks of its node.
mailbox::environment environment_for(node_parts& parts, const tenant& who,
                                     std::shared_ptr<const actor_gate> gate);
child_spec agent_child(node_parts& parts, tenant who);
std::string child_name(const tenant& who); // of its child_spec
// `above` is null if the caller is its supervisor. `unclean`: of this agent, what came before the
// process that did not stop in order may come again (semantics.md 4).
caf::actor start_mailbox(node_parts& parts, caf::actor_system& system, const tenant& who,
                         std::shared_ptr<actor_gate> gate, caf::actor above, bool unclean);
result<tenant> tenant_of(node_parts& parts, const records::agent_record& r);

// ---- supervisors.cpp

// How the node's agent begins its refusal to spawn an agent under one that is not declared.
inline constexpr std::string_view no_supervisor = "this node's program declares no supervisor ";

restart_limits default_restart_limits(const config::settings& s);
// Where a supervisor stands in the tree view.
std::string supervisor_path(node_parts& parts, const std::string& name);
// What a supervisor starts with; empty: the node's supervisor of agents.
result<std::vector<child_spec>> children_of(node_parts& parts, const std::string& name);
child_spec supervisor_child(node_parts& parts, const std::string& name);
// Null: it is given up. What it supervises is in the store, and found there when it starts.
caf::actor supervisor_of(node_parts& parts, const std::string& name);

// ---- mailboxes.cpp

// Sets up, or renews, the mailbox of a DID outside, whose word `d` is, its signature checked.
// `done` once it is synced, on any thread: invalid "wrong_node", "delegation_expired", conflict
// "not_outside", "lives_elsewhere", "epoch_differs", overloaded "too_many_agents".
void open_mailbox(node_parts& parts, delegation d,
                  std::function<void(result<edge::mailbox_status>)> done);

// ---- edge.cpp

// Starts the edge if the settings ask for one.
result<void> open_edge(node_parts& parts);
// Ends what goes on at the edge, and takes nothing new; returns at the latest after `deadline`.
void drain_edge(node_parts& parts, duration deadline);
void close_edge(node_parts& parts);

// ---- watching.cpp

// An agent here begins or ends to watch another one.
void watch(node_parts& parts, const did& watcher, const did& who, bool on);
// A life of an agent here is over.
void agent_ended(node_parts& parts, const tenant& who, const down& what,
                 const std::string& culprit);
// The link to a node is up, or no longer.
void link_changed_to(node_parts& parts, const did& node, bool up);
// What another node's agent says to ours; nothing if it is not about watching.
std::optional<result<system_turn>> node_message(node_parts& parts, const message& m);

// Says in the log, from time to time, which handlers hold up a worker thread.
void watch_handlers(node_parts& parts);

// ---- where.cpp

// What this node knows of a message: a JSON array of history entries.
std::string where_here(node_parts& parts, const uuid& id);

} // namespace kith
