// The one thread on which a node's connections live: it waits for sockets and timers and runs what
// others post to it. Everything that belongs to a reactor is touched on its thread only, so nothing
// above it needs a lock.
#pragma once

#include "runtime/base/clock.hpp"

#include <cstdint>
#include <functional>

namespace kith::net {

// Names one timer of one reactor; 0 names none and is never handed out.
using timer_id = std::uint64_t;

class reactor {
public:
  virtual ~reactor() = default;

  // Runs `job` on the reactor's thread, soon, in the order of posting. Thread-safe; the one call
  // that is. Never runs it within the call. The queue has no bound: who posts on behalf of others
  // bounds them.
  virtual void post(std::function<void()> job) = 0;

  // Runs `job` once, no sooner than `delay` from now.
  virtual timer_id after(duration delay, std::function<void()> job) = 0;
  // The job will not run. Does nothing for a timer that ran, was cancelled, or is 0.
  virtual void cancel(timer_id timer) = 0;

  // Whether the caller may touch what belongs to this reactor: it is on the thread, or no thread
  // runs.
  virtual bool on_thread() const = 0;
};

} // namespace kith::net
