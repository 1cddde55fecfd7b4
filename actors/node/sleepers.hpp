// Agents that sleep: nothing of them is in memory but that they live here. One that has had nothing
// to do for a while falls asleep; it wakes for whatever is sent to it, and when its time comes.
#pragma once

#include "actors/base/agent_directory.hpp"
#include "actors/mailbox/keys.hpp"
#include "actors/mailbox/mailbox_actor.hpp"
#include "runtime/net/reactor.hpp"
#include "runtime/stream/records.hpp"

#include <map>
#include <set>

namespace kith {

struct node_parts;

// When agents that sleep have to be awake again. One timer of the reactor for all of them.
class alarm_clock {
public:
  using ring = std::function<void(const did&)>;
  // `to_ring` runs on the reactor's thread. All three outlive this.
  alarm_clock(net::reactor& reactor, const clock& time, ring to_ring)
      : reactor_(reactor), time_(time), ring_(std::move(to_ring)) {}

  // In place of what was set for it. Thread-safe.
  void set(const did& agent, time_point when);

private:
  void arm(); // from here on the reactor's thread
  void look();

  net::reactor& reactor_;
  const clock& time_;
  ring ring_;
  std::map<did, time_point> times_;
  std::set<std::pair<time_point, did>> order_; // the same, by time
  net::timer_id timer_ = 0;
};

// Gives an agent that sleeps a mailbox, under its supervisor; the router knows it on return. False:
// the node ends, or the agent's supervisor is given up, or its record does not decode. Any thread.
bool rouse(node_parts& parts, const did& agent);
// What a mailbox actor that falls asleep asks of its node (mailbox_ports::asleep).
void fell_asleep(node_parts& parts, const tenant& who, caf::actor mailbox,
                 std::optional<time_point> wake);
// Agents for which something waits in the store: a message, an answer, a timer, a handler; or that
// watch others. Errors: the store's.
result<std::set<keys::agent_key>> busy_agents(node_parts& parts);
// What the cluster is told of an agent, as the store has it.
wire::directory::entry directory_entry(node_parts& parts, const records::agent_record& r);
// Where the directory finds those that sleep. `parts` outlives it.
directory_archive archive_of(node_parts& parts);
// Whether an agent of that type may sleep here.
bool may_sleep(const node_parts& parts, const did& agent, const std::string& type);

} // namespace kith
