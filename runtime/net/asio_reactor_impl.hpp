// The inside of asio_reactor, for the sources of this folder that stand on Asio. Asio is used for
// what it does well: the loop, readiness, timers and name resolution; bytes are moved by the
// system's calls themselves.
#pragma once

#include "runtime/net/asio_network.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <latch>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace kith::net {

namespace asio = boost::asio;

struct asio_reactor::impl {
  ~impl();
  // Wakes the loop only for the first job since it last looked: a thousand posts cost one wake-up.
  void post(std::function<void()> job);
  void drain();
  timer_id after(duration delay, std::function<void()> job);
  void cancel(timer_id timer);

  std::mutex lock; // guards jobs
  std::vector<std::function<void()>> jobs;
  std::vector<std::function<void()>> running; // the loop's own; kept for its capacity
  std::unordered_map<timer_id, asio::steady_timer> timers;
  timer_id last_timer = 0;
  bool ended = false; // jobs that die with the loop may still call in

  // Below what its dying handlers may touch.
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};

  std::latch started{1};
  std::atomic<std::thread::id> owner{};
  std::thread thread;

  // One for all streams: a read's bytes are handed on before the next read begins.
  static constexpr std::size_t read_buffer_size = 256 * 1024;
  std::unique_ptr<std::uint8_t[]> read_buffer{new std::uint8_t[read_buffer_size]};
};

// A stream on a connected, non-blocking socket, which it takes over.
std::unique_ptr<byte_stream> make_asio_stream(asio_reactor::impl& on, int fd, std::string remote);

} // namespace kith::net
