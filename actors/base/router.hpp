// Where an envelope for a DID goes: to a mailbox here, to the link of the node where the agent
// lives, or nowhere yet. A table, not an actor, because the thread that reads a socket asks it for
// every batch. Also the register of streams that leave this node, which a link consults when it
// learns that an agent has appeared behind it.
#pragma once

#include "actors/base/caf_compat.hpp"
#include "actors/base/out_stream.hpp"

#include <array>
#include <map>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
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
  caf::actor mailbox; // local: may be null while the agent is being restarted
  std::shared_ptr<actor_gate>
      gate;     // local, with the mailbox; shared by it and everyone who found it here
  did node;     // remote: where it lives
  epoch at = 0; // remote: the highest epoch seen
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

  route find(const did& agent) const;
  bool is_local(const did& agent) const;

  // The agent lives here; its mailbox may not have started yet.
  void add_local(const did& agent);
  // Each life of a mailbox has a gate of its own, so that what a crash loses frees its room. Null
  // ones: it is down.
  void set_mailbox(const did& agent, caf::actor mailbox, std::shared_ptr<actor_gate> gate);
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
  struct shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<did, route> routes;
    std::unordered_map<did, std::vector<std::shared_ptr<out_stream>>> streams;
  };
  static constexpr std::size_t shard_count = 16;
  shard& of(const did& d) { return shards_[d.hash() % shard_count]; }
  const shard& of(const did& d) const { return shards_[d.hash() % shard_count]; }

  std::array<shard, shard_count> shards_;
  std::atomic<std::size_t> remote_count_{0};
  mutable std::shared_mutex links_mutex_;
  std::unordered_map<did, link_route> links_;
  std::mutex flows_mutex_;
  std::map<stream_key, std::shared_ptr<local_flow>> flows_; // as many as there are stream records
};

} // namespace kith
