// Where an envelope for a DID goes: to a mailbox here, to the link of the node where the agent
// lives, or nowhere yet. A table, not an actor, because the thread that reads a socket asks it for
// every batch. Also the register of streams that leave this node, which a link consults when it
// learns that an agent has appeared behind it.
#pragma once

#include "actors/base/caf_compat.hpp"
#include "actors/base/key_set.hpp"
#include "actors/base/out_stream.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kith {

// What stands in front of the unbounded CAF queue of a mailbox or a link: who puts data in asks it
// first. Thread-safe.
class actor_gate {
public:
  // At the limit the envelope stays on the sender's disk (QoS 2), or is dropped and counted (QoS
  // 0).
  static constexpr std::int64_t count_max = 65536;
  static constexpr std::int64_t bytes_max = 64 << 20;

  // Takes room for one, or for `count` that go together; false: there is none.
  bool enter(std::size_t size, std::size_t count = 1) {
    if (count_.load(std::memory_order_relaxed) >= count_max ||
        bytes_.load(std::memory_order_relaxed) >= bytes_max)
      return false;
    count_.fetch_add(std::int64_t(count), std::memory_order_relaxed);
    bytes_.fetch_add(std::int64_t(size), std::memory_order_relaxed);
    return true;
  }
  void leave(std::size_t count, std::size_t size) {
    count_.fetch_sub(std::int64_t(count), std::memory_order_relaxed);
    bytes_.fetch_sub(std::int64_t(size), std::memory_order_relaxed);
  }
  // True for the first of many that find no room: it tells the actor to look at what is on disk.
  bool raise_overflow() { return !overflow_.exchange(true); }
  void clear_overflow() { overflow_ = false; }

  std::int64_t count() const { return count_; }
  std::atomic<std::uint64_t> dropped{0}; // QoS 0 envelopes that found no room

private:
  std::atomic<std::int64_t> count_{0};
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<bool> overflow_{false};
};

// Where one agent is.
struct route {
  enum class kind : std::uint8_t { unknown, local, remote } where = kind::unknown;
  caf::actor mailbox; // local: null while the agent sleeps, is being restarted, or has ended
  std::shared_ptr<actor_gate>
      gate;     // local, with the mailbox; shared by it and everyone who found it here
  did node;     // remote: where it lives
  epoch at = 0; // remote: the highest epoch seen
  // Local, and nothing of it is in memory: it gets a mailbox for whatever comes.
  bool asleep = false;
};

// The link to a node.
struct link_route {
  caf::actor actor;
  std::shared_ptr<actor_gate> gate; // shared by the link and everyone who found it here
};

// Thread-safe.
class router {
public:
  static constexpr std::size_t remote_max =
      1'000'000; // agents known on other nodes; further ones are not learnt

  // As it is now. Who wants to send to a mailbox asks at().
  route find(const did& agent) const;
  bool is_local(const did& agent) const;
  // Calls `use` with the route of the agent, once, after waking it if it sleeps. While `use` runs
  // nobody falls asleep: what it sends to the mailbox is taken. It must be quick, and not call the
  // router about agents. Any thread.
  template <class Use> void at(const did& agent, Use&& use) {
    static constexpr int tries_max = 3; // it may fall asleep again at once
    for (int tries = 0;; ++tries) {
      {
        auto& s = of(agent);
        std::shared_lock lock(s.mutex);
        auto it = s.routes.find(agent);
        if (it != s.routes.end()) return use(std::as_const(it->second));
        const auto there = absent(s, agent);
        if (!there.asleep || tries == tries_max) return use(there);
      }
      if (!waker_ || !waker_(agent)) tries = tries_max - 1;
    }
  }
  // Who gives an agent that sleeps a mailbox (set_mailbox) before it returns; false: it cannot.
  // To be set before the first at().
  void wake_with(std::function<bool(const did&)> waker) { waker_ = std::move(waker); }
  // The agent lives here and sleeps from now on; the mailbox that it had gets nothing more.
  void put_to_sleep(const did& agent);
  std::size_t asleep_count() const;

  // The agent lives here; its mailbox may not have started yet.
  void add_local(const did& agent);
  // Each life of a mailbox has a gate of its own, so that what a crash loses frees its room.
  void set_mailbox(const did& agent, caf::actor mailbox, std::shared_ptr<actor_gate> gate);
  // The agent is down, if that was its mailbox.
  void unset_mailbox(const did& agent, const caf::actor& was);
  void remove_local(const did& agent);

  // Learns that `agent` is at `node`; false if a higher epoch, or this node itself, says otherwise.
  bool set_remote(const did& agent, const did& node, epoch at);
  void remove_remote(const did& agent, const did& node);
  std::vector<did> remotes_of(const did& node) const;
  // The highest epoch ever seen of an agent; 0: none.
  epoch epoch_floor(const did& agent) const;

  // Each life of a link has a gate of its own.
  void set_link(const did& node, caf::actor link, std::shared_ptr<actor_gate> gate);
  void remove_link(const did& node);
  // Null ones: there is no link to that node.
  link_route link_of(const did& node) const;

  // How far the recipient of a stream between two agents of this node has come: one object a
  // stream, made by whichever of the two asks first.
  std::shared_ptr<local_flow> flow(const stream_key& stream);

  // Streams that leave this node, by recipient.
  void add_stream(const std::shared_ptr<out_stream>& s);
  void remove_streams_from(const did& sender);
  std::vector<std::shared_ptr<out_stream>> streams_to(const did& recipient) const;
  std::shared_ptr<out_stream> stream(const stream_id& id) const;
  // Envelopes that are durable here and not known to be journaled by their recipients' nodes.
  std::uint64_t unacknowledged() const;

  // Forgets everything: the node is being torn down, and handles must not outlive the actor system.
  void clear();

private:
  // BLAKE2b of its DID: all that memory has of one that sleeps.
  static key_set::key key_of(const did& agent);
  struct shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<did, route> routes;
    key_set asleep; // agents here; they have no route
    std::unordered_map<did, std::vector<std::shared_ptr<out_stream>>> streams;
  };
  static constexpr std::size_t shard_count = 16;
  // The route of one that has none in the table.
  static route absent(const shard& s, const did& agent);
  shard& of(const did& d) { return shards_[d.hash() % shard_count]; }
  const shard& of(const did& d) const { return shards_[d.hash() % shard_count]; }

  std::array<shard, shard_count> shards_;
  std::function<bool(const did&)> waker_;
  std::atomic<std::size_t> remote_count_{0};
  mutable std::shared_mutex links_mutex_;
  std::unordered_map<did, link_route> links_;
  std::mutex flows_mutex_;
  std::map<stream_key, std::shared_ptr<local_flow>> flows_; // as many as there are stream records
};

} // namespace kith
