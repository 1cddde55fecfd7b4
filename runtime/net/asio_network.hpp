// The real reactor and network, on Boost.Asio. Asio stays behind these pointers: it is slow to
// compile and belongs to this folder alone.
#pragma once

#include "runtime/net/network.hpp"
#include "runtime/net/reactor.hpp"

namespace kith::net {

// One thread. Create, start(), ..., stop(), destroy; streams, listeners and networks on it must be
// gone before it is, or be destroyed after stop() returned.
class asio_reactor final : public reactor {
public:
  asio_reactor();
  ~asio_reactor() override; // stop()

  // Starts the thread. Once.
  void start();
  // Ends the loop after the running job and joins the thread; jobs that still wait are never run.
  // Not from a job.
  void stop();
  // Runs `job` on the thread and waits for its end; at once, if on_thread(). For start-up, shutdown
  // and tests.
  void call(const std::function<void()>& job);

  void post(std::function<void()> job) override;
  timer_id after(duration delay, std::function<void()> job) override;
  void cancel(timer_id timer) override;
  bool on_thread() const override;

  // For the sources of this folder.
  struct impl;
  impl& inner() { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

// TCP and Unix sockets. Outlived by its reactor; outlives neither its listeners nor its streams,
// which may stay longer.
class asio_network final : public network {
public:
  explicit asio_network(asio_reactor& on);
  ~asio_network() override;

  result<std::unique_ptr<listener>> listen(std::string_view address,
                                           accept_handler on_accept) override;
  void connect(std::string_view address, connect_options options, connect_handler done) override;
  using network::connect;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace kith::net
