// SIGINT, SIGTERM and SIGHUP as something to read in a loop: no work in handlers, because there are
// none.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"

#include <csignal>
#include <optional>

namespace kith::cli {

// Blocks the three signals in the calling thread, and so in all threads that it starts afterwards,
// for as long as it lives; ignores SIGPIPE for good. Not thread-safe.
class stop_signals {
public:
  // io "signalfd".
  static result<stop_signals> take_over();
  stop_signals(stop_signals&& other) noexcept;
  stop_signals& operator=(stop_signals&&) = delete;
  ~stop_signals();

  // Readable when a signal came; for poll(2).
  int fd() const { return fd_; }
  // The oldest that was not taken yet. Never waits.
  std::optional<int> take();
  // Waits at most `patience` for one.
  std::optional<int> wait(duration patience);

private:
  stop_signals(int fd, const sigset_t& before) : fd_(fd), before_(before) {}
  int fd_ = -1;
  sigset_t before_;
};

// In a child between fork and exec: as if nobody had blocked or ignored anything.
// Async-signal-safe.
void reset_signals_of_child();

} // namespace kith::cli
