// One connection of an HTTP server.
#include "runtime/net/http_connection.hpp"

#include "runtime/net/http_server_impl.hpp"
#include "runtime/net/http_stream_core.hpp"
#include "runtime/net/websocket_session.hpp"

#include <cassert>

namespace kith::net {
namespace {

// Larger bodies are not copied behind their head.
constexpr std::size_t join_size_max = 64 * 1024;
// A stream whose end does not come on its own.
constexpr duration close_time_max = std::chrono::seconds(15);
constexpr std::size_t head_reserve = 256;

} // namespace

http_connection::http_connection(std::shared_ptr<http_server::impl> server,
                                 std::unique_ptr<byte_stream> stream, bool secure)
    : server_(std::move(server)), stream_(std::move(stream)), remote_(stream_->remote_address()),
      since_(server_->time.now()),
      taken_at_(since_), reason_{errc::unavailable, "server_gone", "the server is gone"},
      secure_(secure) {}

http_connection::~http_connection() = default;

void http_connection::start() {
  // Raw pointers: the handlers live no longer than the stream, and the stream no longer than this.
  stream_->start({[this](byte_view data) { on_data(data); }, [this] { on_drained(); },
                  [this](const error& reason) { on_closed(reason); }});
}

void http_connection::turn_away() {
  refuse({503, "too_many_connections", "there are too many connections; try again later"});
}

void http_connection::on_data(byte_view data) {
  const auto self = shared_from_this(); // the handler may end everything
  if (state_ == state::closing || state_ == state::over) return;
  if (const auto ws = websocket_) return ws->on_data(data); // it may end itself
  if (!ready()) return hold(data);
  process(data);
}

// Reads requests and has them answered, until there is no more or one takes its time.
void http_connection::process(byte_view in) {
  corked_ = true;
  while (!in.empty() && ready()) {
    if (state_ == state::idle) {
      state_ = state::reading;
      if (requests_ > 0) since_ = server_->time.now();
      body_begun_ = false;
      reader_ = server_->take_reader();
    }
    in = in.subspan(reader_->feed(in));
    on_progress();
  }
  corked_ = false;
  if (!in.empty() && state_ != state::websocket) hold(in);
  count_held();
  flush();
  if (const auto ws = websocket_; ws && !in.empty()) ws->on_data(in);
}

void http_connection::on_progress() {
  switch (reader_->at()) {
  case http_reader::state::nothing:
  case http_reader::state::head: return;
  case http_reader::state::failed: return refuse(reader_->refusal());
  case http_reader::state::complete: return dispatch();
  case http_reader::state::body: break;
  }
  count_held();
  if (server_->received > server_->options.received_size_max)
    return refuse({503, "too_much_received", "too many bodies are being received; try later"});
  if (std::exchange(body_begun_, true)) return;
  body_since_ = server_->time.now();
  if (reader_->wants_continue()) append(out_, as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
}

void http_connection::dispatch() {
  keep_alive_ =
      reader_->keep_alive() && !server_->draining && ++requests_ < server_->options.requests_max;
  http_request request = reader_->take();
  server_->give_reader(std::move(reader_));
  ++server_->request_count;
  to_head_ = request.method == "HEAD";
  version_ = request.version;
  websocket_key_ = websocket_key_of(request);
  request.remote_address = remote_;
  request.secure = secure_;
  state_ = state::answering;
  since_ = server_->time.now();
  server_->handler(std::move(request), http_responder(shared_from_this(), ++number_));
}

void http_connection::respond(std::uint64_t request, http_response response) {
  if (state_ != state::answering || request != number_) return;
  if (!is_sendable(response))
    response = http_response::problem(500, "the answer cannot be sent", "bad_response");
  if (!response.refusal.empty()) server_->refused(response.status, response.refusal);
  keep_alive_ = keep_alive_ && !server_->draining;
  write_response(response);
  finish_answer();
}

void http_connection::write_response(const http_response& response) {
  const bool with_body = has_body(response.status) && !to_head_;
  const bool joined = with_body && response.body.size() <= join_size_max;
  if (out_.empty()) out_.reserve(head_reserve + (joined ? response.body.size() : 0));
  write_head(out_, response,
             {server_->date(), version_, keep_alive_, to_head_, http_framing::sized});
  if (joined) {
    append(out_, response.body);
  } else if (with_body) {
    flush();
    written_ += response.body.size();
    stream_->write(response.body);
  }
}

void http_connection::finish_answer() {
  if (!keep_alive_ || server_->draining) return begin_close();
  state_ = state::idle;
  since_ = server_->time.now();
  if (!corked_) return resume();
  if (out_.size() >= join_size_max) flush(); // so that a full pipe is noticed
}

// It can go on: with what came meanwhile, then with what comes.
void http_connection::resume() {
  flush();
  if (!pending_.empty() && ready()) process(std::exchange(pending_, {}));
  if ((ready() || state_ == state::streaming) && pending_.empty()) set_paused(false);
}

void http_connection::hold(byte_view data) {
  if (state_ == state::closing || state_ == state::over) return;
  append(pending_, data);
  count_held();
  if (pending_.size() > server_->options.pipelined_size_max) set_paused(true);
}

void http_connection::set_paused(bool paused) {
  if (!stream_ || paused_ == paused) return;
  paused_ = paused;
  if (paused)
    stream_->pause_reading();
  else
    stream_->resume_reading();
}

void http_connection::count_held() {
  const std::size_t now = pending_.size() + (reader_ ? reader_->held() : 0);
  server_->received += now - held_;
  held_ = now;
}

void http_connection::drop_input() {
  if (reader_) server_->give_reader(std::move(reader_));
  pending_ = {};
  count_held();
}

void http_connection::flush() {
  if (out_.empty() || !stream_) return;
  send(std::exchange(out_, {}));
  if (state_ == state::closing || unsent() <= server_->options.unsent_max) return;
  backed_up_ = true;
  set_paused(true);
}

void http_connection::send(bytes data) {
  if (!stream_) return;
  written_ += data.size();
  stream_->write(std::move(data));
}

void http_connection::on_drained() {
  const auto self = shared_from_this();
  if (const auto ws = websocket_) return ws->on_drained();
  backed_up_ = false;
  if (body_) body_->on_room(unsent());
  if (ready() || state_ == state::streaming) resume();
}

// Says why there will be no answer, and ends: where the next request would begin is not known.
void http_connection::refuse(const http_refusal& why) {
  server_->refused(why.status, why.code);
  to_head_ = reader_ ? reader_->is_head_request() : to_head_;
  keep_alive_ = false;
  auto response = http_response::problem(why.status, why.detail, why.code);
  if (why.status == 503)
    response.headers.add("Retry-After", std::to_string(server_->options.retry_after_s));
  write_response(response);
  begin_close();
}

void http_connection::begin_close() {
  if (state_ == state::closing || state_ == state::over) return;
  flush();
  state_ = state::closing;
  since_ = server_->time.now();
  drop_input();
  stream_->close();
}

void http_connection::on_closed(const error& reason) {
  const auto self = shared_from_this();
  finish(reason);
}

void http_connection::abort(const error& reason) {
  const auto self = shared_from_this();
  finish(reason);
}

void http_connection::finish(const error& reason) {
  if (state_ == state::over) return;
  state_ = state::over;
  reason_ = reason;
  drop_input();
  out_ = {};
  if (const auto body = std::exchange(body_, nullptr)) body->end(reason);
  if (const auto ws = std::exchange(websocket_, nullptr)) ws->on_closed(reason);
  server_->remove(*this);
  stream_.reset(); // aborts; its handlers are not called any more
}

void http_connection::begin_stream(std::uint64_t request, const http_response& head,
                                   const std::shared_ptr<http_stream::core>& body) {
  if (state_ != state::answering || request != number_) return body->end(reason_);
  if (!is_sendable(head)) {
    respond(request, head); // says so
    return body->end({errc::invalid, "bad_response", "the head cannot be sent"});
  }
  const bool chunked = version_ >= 11;
  keep_alive_ = keep_alive_ && !server_->draining && chunked;
  write_head(out_, head,
             {server_->date(), version_, keep_alive_, to_head_,
              chunked ? http_framing::chunked : http_framing::to_end});
  if (to_head_ || !has_body(head.status)) {
    body->end({errc::cancelled, "closed", "the answer has no body"});
    return finish_answer();
  }
  state_ = state::streaming;
  body_ = body;
  body_->begin();
  flush();
}

void http_connection::end_stream() {
  body_.reset();
  finish_answer();
}

void http_connection::begin_websocket(std::uint64_t request,
                                      const std::shared_ptr<websocket::core>& core,
                                      const websocket_options& options) {
  if (state_ != state::answering || request != number_) return core->end(reason_);
  state_ = state::websocket;
  flush();
  const auto ws = make_websocket_session(*this, core, options);
  websocket_ = ws;
  ws->open(websocket_key_);
  const bytes early = std::exchange(pending_, {});
  count_held();
  set_paused(false);
  if (!early.empty()) ws->on_data(early);
}

void http_connection::drain() {
  const auto self = shared_from_this();
  switch (state_) {
  case state::idle:
    if (pending_.empty()) begin_close();
    break;
  case state::streaming: body_->drain(); break;
  case state::websocket:
    if (const auto ws = websocket_) ws->drain();
    break;
  default: break; // after the answer
  }
}

void http_connection::tick(time_point now) {
  const auto self = shared_from_this();
  const http_options& o = server_->options;
  if (stalled(now))
    return abort({errc::timeout, "send_stalled", remote_ + " takes nothing of what is sent"});
  switch (state_) {
  case state::idle:
    if (now - since_ <= (requests_ == 0 ? o.head_time_max : o.idle_time_max) || backed_up_) break;
    if (requests_ == 0) server_->refused(0, "silent");
    begin_close();
    break;
  case state::reading: tick_reading(now); break;
  case state::answering:
    if (now - since_ > o.answer_time_max)
      refuse({503, "answer_timeout", "there was no answer in time"});
    break;
  case state::websocket:
    if (const auto ws = websocket_) ws->tick(now);
    break;
  case state::closing:
    if (now - since_ > close_time_max) abort({errc::timeout, "connection_lost", "no end came"});
    break;
  case state::streaming:
  case state::over: break;
  }
}

void http_connection::tick_reading(time_point now) {
  const http_options& o = server_->options;
  if (!body_begun_) {
    if (now - since_ > o.head_time_max)
      refuse({408, "head_timeout", "the head did not come in time"});
    return;
  }
  const auto late = std::chrono::duration<double>(now - body_since_ - o.body_grace).count();
  if (late > 0 && double(reader_->body_size()) < late * double(o.body_rate_min))
    refuse({408, "body_timeout", "the body comes too slowly"});
}

bool http_connection::stalled(time_point now) {
  const std::size_t waits = unsent();
  const std::uint64_t taken = written_ - waits;
  if (waits == 0 || taken != taken_) {
    taken_ = taken;
    taken_at_ = now;
  }
  return now - taken_at_ > server_->options.send_stall_max;
}

} // namespace kith::net
