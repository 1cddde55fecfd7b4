// A connected socket as a byte_stream. Reads go into the reactor's one buffer and on to the owner;
// writes are tried at once, and what the kernel does not take waits in a queue that is sent many
// buffers a call.
#include "runtime/net/asio_reactor_impl.hpp"
#include "runtime/net/sockets.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cassert>
#include <cerrno>
#include <deque>

namespace kith::net {
namespace {

constexpr std::size_t read_round_size_max = 1024 * 1024; // then others get their turn
constexpr std::size_t read_again_size = 32 * 1024; // a read this large says that more is on its way
constexpr std::size_t write_buffers_max = 64;      // a call
constexpr int write_calls_max = 16;                // a round
constexpr std::size_t join_size_max = 4 * 1024;    // smaller pieces are copied together
constexpr std::size_t join_room = 16 * 1024;

// A queued piece: bytes of our own, which smaller ones may join, or a part of somebody's buffer.
struct piece {
  bytes own;
  slice shared;
  std::size_t sent = 0;

  byte_view left() const {
    const byte_view all = own.empty() ? shared.view() : byte_view(own);
    return all.subspan(sent);
  }
};

// Shared by the owner's handle and by the waits under way in the loop; the last of them frees it.
class stream_state : public std::enable_shared_from_this<stream_state> {
public:
  stream_state(asio_reactor::impl& on, int fd, std::string remote)
      : on_(on), socket_(on.io, fd), remote_(std::move(remote)) {}

  void start(stream_handlers handlers);
  template <class Bytes> void write(Bytes data);
  std::size_t unsent() const { return unsent_; }
  void pause() { paused_ = true; }
  void resume();
  void close();
  void detach();
  const std::string& remote() const { return remote_; }

private:
  bool reads() const { return !ended_ && !peer_ended_ && (closing_ || (started_ && !paused_)); }
  void wait_to_read();
  void on_readable();
  void wait_to_write();
  void on_writable();
  std::size_t send_now(byte_view data);
  void send_queued();
  void drop_sent(std::size_t count);
  void on_send_failed(int number);
  void finish_output(error reason);
  void on_all_sent();
  void end(error reason);
  void tell_end();

  asio_reactor::impl& on_;
  asio::posix::stream_descriptor socket_;
  const std::string remote_;
  stream_handlers handlers_;
  std::deque<piece> queue_;
  std::size_t unsent_ = 0;
  timer_id linger_ = 0;
  error reason_; // what on_closed will say
  bool started_ = false;
  bool paused_ = false;
  bool closing_ = false;    // no more is taken from the owner, no more is given to it
  bool peer_ended_ = false; // the peer sends no more
  bool broken_ = false;     // sending failed; what the peer sent before may still be read
  bool ended_ = false;      // the socket is closed
  bool detached_ = false;   // the owner is gone
  bool waits_to_read_ = false, waits_to_write_ = false;
};

void stream_state::start(stream_handlers handlers) {
  assert(!started_);
  handlers_ = std::move(handlers);
  started_ = true;
  if (ended_)
    on_.post([self = shared_from_this()] { self->tell_end(); });
  else
    wait_to_read();
}

void stream_state::resume() {
  if (!paused_) return;
  paused_ = false;
  wait_to_read();
}

void stream_state::wait_to_read() {
  if (waits_to_read_ || !reads()) return;
  waits_to_read_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code&) {
                       self->waits_to_read_ = false;
                       self->on_readable();
                     });
}

void stream_state::on_readable() {
  std::size_t round = 0;
  while (reads() && round < read_round_size_max) {
    const ssize_t n = ::recv(socket_.native_handle(), on_.read_buffer.get(),
                             asio_reactor::impl::read_buffer_size, MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      return end(closing_ ? reason_ : stream_error(errno, remote_));
    }
    if (n == 0) {
      peer_ended_ = true;
      if (closing_) {
        if (queue_.empty()) end(reason_);
        return;
      }
      return finish_output(
          {errc::unavailable, "closed_by_peer", remote_ + " closed the connection"});
    }
    round += std::size_t(n);
    if (!closing_ && handlers_.on_data) handlers_.on_data({on_.read_buffer.get(), std::size_t(n)});
    if (std::size_t(n) < read_again_size) break;
  }
  wait_to_read();
}

template <class Bytes> void stream_state::write(Bytes data) {
  if (ended_ || closing_ || broken_ || data.empty()) return;
  std::size_t sent = 0;
  if (queue_.empty()) {
    sent = send_now(byte_view(data));
    if (ended_ || broken_ || sent == data.size()) return;
  }
  const byte_view left = byte_view(data).subspan(sent);
  unsent_ += left.size();
  if (left.size() <= join_size_max) {
    if (queue_.empty() || queue_.back().own.capacity() - queue_.back().own.size() < left.size()) {
      queue_.emplace_back().own.reserve(join_room);
    }
    append(queue_.back().own, left);
  } else if constexpr (std::is_same_v<Bytes, bytes>) {
    queue_.push_back({std::move(data), {}, sent});
  } else {
    queue_.push_back({{}, std::move(data), sent});
  }
  wait_to_write();
}

std::size_t stream_state::send_now(byte_view data) {
  ssize_t n;
  do n = ::send(socket_.native_handle(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n >= 0) return std::size_t(n);
  if (errno != EAGAIN && errno != EWOULDBLOCK) on_send_failed(errno);
  return 0;
}

void stream_state::wait_to_write() {
  if (waits_to_write_ || ended_ || queue_.empty()) return;
  waits_to_write_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](const boost::system::error_code&) {
                       self->waits_to_write_ = false;
                       if (!self->ended_) self->on_writable();
                     });
}

void stream_state::on_writable() {
  const std::size_t before = unsent_;
  send_queued();
  if (ended_ || broken_) return;
  wait_to_write();
  if (closing_) {
    if (queue_.empty()) on_all_sent();
    return;
  }
  const bool passed_low = before > byte_stream::low_water && unsent_ <= byte_stream::low_water;
  if ((passed_low || (before > 0 && unsent_ == 0)) && handlers_.on_drained) handlers_.on_drained();
}

void stream_state::send_queued() {
  for (int call = 0; call < write_calls_max && !queue_.empty(); ++call) {
    iovec parts[write_buffers_max];
    msghdr message{};
    message.msg_iov = parts;
    std::size_t offered = 0;
    for (const piece& p : queue_) {
      if (message.msg_iovlen == write_buffers_max) break;
      const byte_view left = p.left();
      parts[message.msg_iovlen++] = {const_cast<std::uint8_t*>(left.data()), left.size()};
      offered += left.size();
    }
    const ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) on_send_failed(errno);
      return;
    }
    drop_sent(std::size_t(n));
    if (std::size_t(n) < offered) return;
  }
}

void stream_state::drop_sent(std::size_t count) {
  unsent_ -= count;
  while (count > 0) {
    const std::size_t left = queue_.front().left().size();
    if (count < left) {
      queue_.front().sent += count;
      return;
    }
    count -= left;
    queue_.pop_front();
  }
}

// The peer may have sent its last words before it went: if we read, reading tells the end.
void stream_state::on_send_failed(int number) {
  broken_ = true;
  queue_.clear();
  unsent_ = 0;
  if (!reads() || closing_) end(peer_ended_ ? reason_ : stream_error(number, remote_));
}

void stream_state::close() {
  if (ended_ || closing_) return;
  if (broken_) return end({errc::cancelled, "closed", "closed here"});
  finish_output({errc::cancelled, "closed", "closed here"});
}

// Sends what is queued within the linger time, then ends for `reason`.
void stream_state::finish_output(error reason) {
  reason_ = std::move(reason);
  if (!closing_) {
    closing_ = true;
    linger_ =
        on_.after(std::chrono::milliseconds(byte_stream::linger_ms_max), [weak = weak_from_this()] {
          const auto self = weak.lock();
          if (!self || self->ended_) return;
          self->end(self->unsent_ == 0 ? self->reason_ : stream_error(ETIMEDOUT, self->remote_));
        });
  }
  if (queue_.empty()) on_all_sent();
}

void stream_state::on_all_sent() {
  if (peer_ended_) return end(reason_);
  // The peer must see our end and close its side before the socket goes, or its unread bytes would
  // make the kernel reset the connection and lose what we sent.
  ::shutdown(socket_.native_handle(), SHUT_WR);
  wait_to_read();
}

void stream_state::end(error reason) {
  if (ended_) return;
  ended_ = true;
  reason_ = std::move(reason);
  on_.cancel(linger_);
  queue_.clear();
  unsent_ = 0;
  boost::system::error_code ignored; // the descriptor is closed whatever close(2) says
  socket_.close(ignored);
  if (started_ && !detached_) on_.post([self = shared_from_this()] { self->tell_end(); });
}

void stream_state::tell_end() {
  if (detached_) return;
  const auto handlers =
      std::move(handlers_); // frees what they hold, also if the owner keeps the stream
  handlers_ = {};
  if (handlers.on_closed) handlers.on_closed(reason_);
}

void stream_state::detach() {
  if (detached_) return;
  detached_ = true;
  // Not at once: one of them may be the caller.
  if (started_) on_.post([self = shared_from_this()] { self->handlers_ = {}; });
  end({errc::cancelled, "closed", "closed here"});
}

// The owner's handle.
class asio_stream final : public byte_stream {
public:
  explicit asio_stream(std::shared_ptr<stream_state> state) : state_(std::move(state)) {}
  ~asio_stream() override { state_->detach(); }

  void start(stream_handlers handlers) override { state_->start(std::move(handlers)); }
  void write(bytes data) override { state_->write(std::move(data)); }
  void write(slice data) override { state_->write(std::move(data)); }
  std::size_t unsent() const override { return state_->unsent(); }
  void pause_reading() override { state_->pause(); }
  void resume_reading() override { state_->resume(); }
  void close() override { state_->close(); }
  void abort() override { state_->detach(); }
  std::string remote_address() const override { return state_->remote(); }

private:
  std::shared_ptr<stream_state> state_;
};

} // namespace

std::unique_ptr<byte_stream> make_asio_stream(asio_reactor::impl& on, int fd, std::string remote) {
  return std::make_unique<asio_stream>(std::make_shared<stream_state>(on, fd, std::move(remote)));
}

} // namespace kith::net
