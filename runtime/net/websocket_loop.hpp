// How Beast's WebSocket runs on a byte_stream: an Asio loop that no thread runs, polled after each
// thing that happens to a stream; so it works on any reactor, the simulated one too. For this
// folder's websocket_session.cpp.
#pragma once

#include "runtime/base/bytes.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

namespace kith::net {

// One a server; shared by its WebSockets, so that it outlives what their operations hold.
class websocket_loop : public std::enable_shared_from_this<websocket_loop> {
public:
  // Runs what is ready. Within itself, nothing: the outer call goes on.
  void drive() {
    if (std::exchange(driving_, true)) return;
    const auto self = shared_from_this();
    io.restart();
    io.poll();
    driving_ = false;
  }

  boost::asio::io_context io{1};

private:
  bool driving_ = false;
};

// An operation's end, of whatever type.
class websocket_waiter {
public:
  virtual ~websocket_waiter() = default;
  virtual void finish(boost::system::error_code ec, std::size_t size) = 0;

  template <class Handler>
  static std::unique_ptr<websocket_waiter> of(boost::asio::io_context& io, Handler handler) {
    struct waiter final : websocket_waiter {
      waiter(boost::asio::io_context& i, Handler h) : on(i), handler(std::move(h)) {}
      void finish(boost::system::error_code ec, std::size_t size) override {
        boost::asio::post(on, boost::beast::bind_handler(std::move(handler), ec, size));
      }
      boost::asio::io_context& on;
      Handler handler;
    };
    return std::make_unique<waiter>(io, std::move(handler));
  }
};

// The bytes between Beast and the stream; owned by the session.
struct websocket_pipe {
  explicit websocket_pipe(boost::asio::io_context& io_) : io(io_) {}

  bool can_read() const { return in_at < in.size() || ended; }
  // Gives what came to a read that waits.
  void move_in() {
    if (reader && can_read()) {
      const auto waiting = std::exchange(reader, nullptr);
      const std::size_t size = ended ? 0 : take(target);
      waiting->finish(size == 0 ? boost::asio::error::eof : boost::system::error_code(), size);
    }
  }
  std::size_t take(boost::asio::mutable_buffer to) {
    const std::size_t size = std::min(to.size(), in.size() - in_at);
    if (size > 0) std::memcpy(to.data(), in.data() + in_at, size);
    in_at += size;
    if (in_at == in.size()) in = {}, in_at = 0;
    return size;
  }
  void end() {
    ended = true;
    if (const auto w = std::exchange(writer, nullptr)) w->finish(boost::asio::error::eof, 0);
    move_in();
  }

  boost::asio::io_context& io;
  bytes in; // came and was not read; from in_at on
  std::size_t in_at = 0;
  bytes out;                          // written and not given to the stream
  boost::asio::mutable_buffer target; // of the read that waits
  std::unique_ptr<websocket_waiter> reader, writer;
  std::size_t written = 0;           // by the write that waits
  std::function<bool()> has_room;    // whether a write may be done at once
  std::function<void()> on_teardown; // Beast is done with the connection
  bool ended = false;
};

// What Beast calls a stream.
class websocket_transport {
public:
  using executor_type = boost::asio::io_context::executor_type;
  explicit websocket_transport(websocket_pipe& pipe) : pipe_(&pipe) {}
  executor_type get_executor() { return pipe_->io.get_executor(); }
  websocket_pipe& pipe() { return *pipe_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [p = pipe_](auto handler, const Buffers& to) {
          p->target = {};
          for (auto at = boost::asio::buffer_sequence_begin(to);
               at != boost::asio::buffer_sequence_end(to) && p->target.size() == 0; ++at)
            p->target = *at;
          p->reader = websocket_waiter::of(p->io, std::move(handler));
          p->move_in();
        },
        token, buffers);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [p = pipe_](auto handler, const Buffers& from) {
          const std::size_t size = boost::beast::buffer_bytes(from);
          const std::size_t at = p->out.size();
          p->out.resize(at + size);
          boost::asio::buffer_copy(boost::asio::buffer(p->out.data() + at, size), from);
          auto waiter = websocket_waiter::of(p->io, std::move(handler));
          if (p->ended) return waiter->finish(boost::asio::error::eof, 0);
          if (p->has_room()) return waiter->finish({}, size);
          p->writer = std::move(waiter);
          p->written = size;
        },
        token, buffers);
  }

private:
  websocket_pipe* pipe_;
};

// Found by Beast through the type.
inline void beast_close_socket(websocket_transport& transport) { transport.pipe().on_teardown(); }

template <class Handler>
void async_teardown(boost::beast::role_type, websocket_transport& transport, Handler&& handler) {
  transport.pipe().on_teardown();
  boost::asio::post(
      transport.get_executor(),
      boost::beast::bind_handler(std::forward<Handler>(handler), boost::system::error_code()));
}

} // namespace kith::net
