// A stream, as those on this node share it who work on it from different threads.
#pragma once

#include "runtime/stream/verified.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

namespace kith {

// What a link may know of a stream that leaves this node: shared by the sending mailbox, which
// writes `durable`, and the link that carries it, which reads it from another thread.
struct out_stream {
  explicit out_stream(stream_id s, bool is_closed = false)
      : id(std::move(s)), key(id.key()), closed(is_closed) {}
  const stream_id id;
  const stream_key key;
  // Of an incarnation before a restore: nothing new comes into it, and its recipient may have had
  // more of it than its sender remembers.
  const bool closed;
  std::atomic<sequence> durable{0}; // positions up to here are synced and may be sent
  std::atomic<sequence> acked{0};   // positions up to here are journaled by the recipient

  // The newest head that the agent signed; seq 0: none yet. Any thread.
  signed_head head() const {
    std::lock_guard lock(mutex_);
    return head_;
  }
  void set_head(const signed_head& h) {
    std::lock_guard lock(mutex_);
    head_ = h;
  }

private:
  mutable std::mutex mutex_;
  signed_head head_;
};

// A stream between two agents of this node: how far the recipient has come, for the sender's quota.
struct local_flow {
  std::atomic<sequence> consumed{0}; // positions up to here had their turn; never falls
};
using flow_finder = std::function<std::shared_ptr<local_flow>(const stream_key&)>;

} // namespace kith
