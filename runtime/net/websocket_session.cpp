// One WebSocket on a connection, spoken by Beast (RFC 6455), without compression.
#include "runtime/net/websocket_session.hpp"

#include "runtime/net/websocket_loop.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace kith::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ws = boost::beast::websocket;
using boost::system::error_code;

// Came, and Beast does not read it because the peer takes nothing: then it is not read from the
// stream any more.
constexpr std::size_t unread_size_max = 64 * 1024;
constexpr std::size_t buffer_kept_max = 4 * 1024; // between messages

class beast_session final : public websocket_session,
                            public std::enable_shared_from_this<beast_session> {
public:
  beast_session(http_connection& to, std::shared_ptr<websocket_loop> loop,
                std::shared_ptr<websocket::core> core, const websocket_options& options)
      : to_(&to), server_(to.server()), loop_(std::move(loop)), core_(std::move(core)),
        options_(options), pipe_(loop_->io), ws_(pipe_), heard_(server_.time.now()), used_(heard_) {
    ++server_.websocket_count;
  }

  void open(const std::string& key) override;
  void on_data(byte_view data) override;
  void on_drained() override;
  void on_closed(const error& reason) override;
  void tick(time_point now) override;
  void drain() override { core_->close(1001, "draining", draining()); }
  void pump() override;

private:
  static error draining() { return {errc::unavailable, "draining", "the server stops"}; }
  void drive();
  void read();
  void on_read(error_code ec);
  void write_next();
  void close();
  void deliver();

  http_connection* to_; // null once it is over
  http_server::impl& server_;
  const std::shared_ptr<websocket_loop> loop_;  // shared with the other sessions
  const std::shared_ptr<websocket::core> core_; // shared with the user
  const websocket_options options_;
  websocket_pipe pipe_;
  ws::stream<websocket_transport, false> ws_;
  beast::flat_buffer message_;
  websocket_message sending_{};
  error why_; // known before the stream says that it is over; or no code
  time_point heard_, used_, pinged_, closed_at_;
  bool open_ = false, reading_ = false, writing_ = false, pinging_ = false, paused_ = false;
  bool close_sent_ = false, ping_busy_ = false;
};

void beast_session::open(const std::string& key) {
  const auto self = shared_from_this();
  pipe_.has_room = [this] {
    return to_ != nullptr && to_->unsent() + pipe_.out.size() <= byte_stream::low_water;
  };
  pipe_.on_teardown = [this] {
    if (to_ == nullptr) return;
    if (!pipe_.out.empty()) to_->send(std::exchange(pipe_.out, {}));
    to_->begin_close();
  };
  ws_.auto_fragment(false);
  ws_.read_message_max(options_.message_size_max);
  ws_.set_option(ws::stream_base::decorator([this](ws::response_type& response) {
    response.set(beast::http::field::server, "kith");
    if (!options_.protocol.empty())
      response.set(beast::http::field::sec_websocket_protocol, options_.protocol);
  }));
  // The request was read and checked; Beast wants to see it in its own form.
  beast::http::request<beast::http::empty_body> request(beast::http::verb::get, "/", 11);
  request.set(beast::http::field::host, "-");
  request.set(beast::http::field::upgrade, "websocket");
  request.set(beast::http::field::connection, "upgrade");
  request.set(beast::http::field::sec_websocket_version, "13");
  request.set(beast::http::field::sec_websocket_key, key);
  ws_.async_accept(request, [self](error_code ec) {
    if (ec || self->to_ == nullptr) {
      self->why_ = {errc::malformed, "bad_handshake", ec.message()};
      if (self->to_ != nullptr) self->to_->begin_close();
      return;
    }
    self->open_ = true;
    self->pump();
  });
  drive();
}

void beast_session::drive() {
  const auto self = shared_from_this();
  for (bool again = true; again;) {
    loop_->drive();
    if (to_ == nullptr) return;
    if (!pipe_.out.empty()) to_->send(std::exchange(pipe_.out, {}));
    again = pipe_.writer && pipe_.has_room(); // all was taken at once: no on_drained() will come
    if (again) std::exchange(pipe_.writer, nullptr)->finish({}, pipe_.written);
  }
  core_->on_room(to_->unsent());
  if (to_ == nullptr) return;
  const bool full = pipe_.in.size() - pipe_.in_at > unread_size_max;
  if (full != paused_) {
    paused_ = full;
    to_->set_paused(full);
  }
}

void beast_session::on_data(byte_view data) {
  heard_ = server_.time.now();
  pinging_ = false;
  append(pipe_.in, data);
  pipe_.move_in();
  drive();
}

void beast_session::on_drained() {
  if (auto writer = std::exchange(pipe_.writer, nullptr)) writer->finish({}, pipe_.written);
  drive();
}

void beast_session::on_closed(const error& reason) {
  if (to_ == nullptr) return;
  const auto self = shared_from_this();
  to_ = nullptr;
  --server_.websocket_count;
  pipe_.out = {};
  pipe_.end(); // and all of Beast's operations with it
  loop_->drive();
  core_->end(why_.code.empty() ? reason : why_);
}

// Does what the user wished meanwhile.
void beast_session::pump() {
  if (to_ == nullptr || !open_) return;
  bool wants_read, wants_close;
  {
    const std::lock_guard hold(core_->lock);
    wants_read = core_->on_message != nullptr;
    wants_close = core_->closing && core_->queue.empty();
  }
  if (!writing_) write_next();
  if (wants_read && !reading_ && !close_sent_) read();
  if (wants_close && !writing_ && !close_sent_) close();
  drive();
}

void beast_session::write_next() {
  {
    const std::lock_guard hold(core_->lock);
    if (core_->queue.empty() || close_sent_) return;
    sending_ = std::move(core_->queue.front());
    core_->queue.pop_front();
  }
  used_ = server_.time.now();
  writing_ = true;
  ws_.text(sending_.kind == websocket_kind::text);
  ws_.async_write(asio::buffer(sending_.data),
                  [self = shared_from_this()](error_code ec, std::size_t) {
                    self->writing_ = false;
                    self->core_->forget(self->sending_.data.size());
                    self->sending_.data = {};
                    if (!ec) self->pump();
                  });
}

void beast_session::read() {
  reading_ = true;
  ws_.async_read(message_, [self = shared_from_this()](error_code ec, std::size_t) {
    self->reading_ = false;
    self->on_read(ec);
  });
}

void beast_session::on_read(error_code ec) {
  if (to_ == nullptr) return;
  if (!ec) {
    deliver();
    if (to_ != nullptr) read();
    return;
  }
  reading_ = close_sent_ = true; // no more of either
  if (ec == ws::error::closed) {
    if (!why_.code.empty()) return;
    const auto peer = ws_.reason();
    why_ = {errc::cancelled, "closed",
            std::to_string(peer.code) + " " + std::string(peer.reason.data(), peer.reason.size())};
    const std::lock_guard hold(core_->lock);
    if (core_->closing) why_ = core_->why;
  } else if (ec == ws::error::message_too_big || ec == ws::error::buffer_overflow) {
    why_ = {errc::too_large, "message_too_large", "a message of the peer is too large"};
  } else if (ec.category() == make_error_code(ws::error::closed).category()) {
    why_ = {errc::malformed, "bad_frame", ec.message()};
  }
  // Beast began the end of the connection, or was told of it.
}

void beast_session::deliver() {
  used_ = server_.time.now();
  std::shared_ptr<const websocket::core::message_handler> handler;
  {
    const std::lock_guard hold(core_->lock);
    handler = core_->on_message;
  }
  const auto data = message_.cdata();
  if (handler && *handler)
    (*handler)(ws_.got_text() ? websocket_kind::text : websocket_kind::binary,
               {static_cast<const std::uint8_t*>(data.data()), data.size()});
  message_.consume(message_.size());
  if (message_.capacity() > buffer_kept_max) message_.shrink_to_fit();
}

void beast_session::close() {
  close_sent_ = true;
  closed_at_ = server_.time.now();
  ws::close_reason reason;
  {
    const std::lock_guard hold(core_->lock);
    reason.code = core_->close_code;
    reason.reason = core_->close_reason;
    if (why_.code.empty()) why_ = core_->why;
  }
  // Ends the connection through async_teardown(), once the peer has answered.
  ws_.async_close(reason, [self = shared_from_this()](error_code) {});
}

void beast_session::tick(time_point now) {
  if (to_ == nullptr || !open_) return;
  if (close_sent_) {
    if (now - closed_at_ > options_.close_time_max) to_->begin_close();
    return;
  }
  if (pinging_ && now - pinged_ > options_.ping_interval)
    return to_->abort({errc::timeout, "ping_timeout", "the peer answers no ping"});
  if (!pinging_ && !ping_busy_ && now - heard_ > options_.ping_interval) {
    pinging_ = ping_busy_ = true;
    pinged_ = now;
    ws_.async_ping({}, [self = shared_from_this()](error_code) { self->ping_busy_ = false; });
    drive();
  }
  if (options_.idle_time_max > duration::zero() && now - used_ > options_.idle_time_max)
    core_->close(1000, "idle", {errc::timeout, "idle_timeout", "nothing was said for too long"});
}

} // namespace

std::shared_ptr<websocket_session>
make_websocket_session(http_connection& to, const std::shared_ptr<websocket::core>& core,
                       const websocket_options& options) {
  auto& server = to.server();
  if (!server.websockets) server.websockets = std::make_shared<websocket_loop>();
  auto out = std::make_shared<beast_session>(to, server.websockets, core, options);
  {
    const std::lock_guard hold(core->lock);
    core->session = out;
  }
  return out;
}

} // namespace kith::net
