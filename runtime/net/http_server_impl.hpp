// What a server's connections share. For this folder.
#pragma once

#include "runtime/net/http_connection.hpp"
#include "runtime/net/http_server.hpp"

#include <atomic>
#include <mutex>
#include <unordered_map>

namespace kith::net {

class websocket_loop;

// Shared by the server and its connections; those may outlive it in a responder or a stream, and
// then find `on` empty. All but run(), is_here(), post() and the streams' count on the reactor's
// thread.
struct http_server::impl : std::enable_shared_from_this<impl> {
  impl(reactor& r, const clock& c, http_options o, http_handler h)
      : on(&r), time(c), options(std::move(o)), handler(std::move(h)) {}

  // Any thread. run(): at once if on the reactor's thread. Both: not at all if the server is gone,
  // and then they return false.
  bool run(std::function<void()> job);
  bool is_here();
  bool post(std::function<void()> job);
  // Counts one more stream or WebSocket, unless there are too many; any thread.
  bool take_stream();
  void give_stream() { --streams_taken; }

  void adopt(std::unique_ptr<byte_stream> stream, bool secure);
  void remove(http_connection& gone);
  void refused(int status, std::string_view why);
  std::unique_ptr<http_reader> take_reader();
  void give_reader(std::unique_ptr<http_reader> reader);
  std::string_view date();
  void tick_soon();
  void tick();
  void drain(duration deadline, std::function<void()> done);
  void on_all_gone();
  void abort_all(const error& reason);
  void shut();

  std::mutex lock; // guards `on` against other threads
  reactor* on;
  const clock& time;
  const http_options options;
  const http_handler handler;
  std::vector<std::shared_ptr<http_connection>> connections; // each knows its place
  std::unordered_map<std::string, std::size_t> per_address;
  std::vector<std::unique_ptr<http_reader>> readers; // not in use
  std::shared_ptr<websocket_loop> websockets;        // made for the first of them; shared with each
  std::size_t refusals = 0; // connections that are only told that there are too many
  std::size_t received = 0; // bytes held, see received_size_max
  std::uint64_t request_count = 0, refused_count = 0;
  std::atomic<std::size_t> streams_taken{0};
  std::size_t websocket_count = 0;
  std::string date_text;
  std::int64_t date_second = -1;
  timer_id tick_timer = 0, drain_timer = 0;
  bool draining = false;
  std::function<void()> on_drained;
};

} // namespace kith::net
