// A WebSocket as its users see it: from any thread into a queue, from there by the reactor.
#include "runtime/net/websocket_session.hpp"

#include "runtime/base/base64.hpp"

#include <algorithm>
#include <boost/beast/websocket/detail/utf8_checker.hpp>

namespace kith::net {
namespace {

constexpr std::size_t close_reason_size_max = 123; // RFC 6455 section 5.5
constexpr std::size_t frame_head_size_max = 10;    // counted with each message

bool is_utf8(byte_view text) {
  // Beast's does not take a null pointer.
  return text.empty() || boost::beast::websocket::detail::check_utf8(
                             reinterpret_cast<const char*>(text.data()), text.size());
}

// Cut to what a close frame takes, between characters.
std::string_view cut(std::string_view reason) {
  if (!is_utf8(as_bytes(reason))) return {};
  if (reason.size() <= close_reason_size_max) return reason;
  std::size_t size = close_reason_size_max;
  while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xc0) == 0x80) --size;
  return reason.substr(0, size);
}

} // namespace

std::string websocket_key_of(const http_request& request) {
  constexpr std::size_t key_size = 16;
  const auto& h = request.headers;
  if (!h.has_token("Upgrade", "websocket") || !h.has_token("Connection", "upgrade")) return {};
  if (request.method != "GET" || request.version < 11 || !request.body.empty()) return {};
  if (h.count("Sec-WebSocket-Key") != 1 || h["Sec-WebSocket-Version"] != "13") return {};
  const auto key = from_base64(h["Sec-WebSocket-Key"]);
  return key && key->size() == key_size ? std::string(h["Sec-WebSocket-Key"]) : std::string();
}

websocket::websocket(std::shared_ptr<core> inner) : core_(std::move(inner)) {}

websocket::~websocket() { close(); }

bool websocket::send(websocket_kind kind, byte_view message) {
  if (kind == websocket_kind::text && !is_utf8(message)) return false;
  core& c = *core_;
  {
    const std::lock_guard hold(c.lock);
    if (c.over || c.closing) return false;
    const std::size_t waits = c.queued + c.in_stream;
    const std::size_t size = message.size() + frame_head_size_max;
    if (waits > 0 && waits + size > c.unsent_max) {
      c.wants_room = true;
      return false;
    }
    c.queue.push_back({kind, to_bytes(message)});
    c.queued += size;
  }
  c.pump_soon();
  return true;
}

std::size_t websocket::unsent() const {
  const std::lock_guard hold(core_->lock);
  return core_->queued + core_->in_stream;
}

void websocket::close(std::uint16_t code, std::string_view reason) {
  core_->close(code, reason, {errc::cancelled, "closed", "closed here"});
}

void websocket::on_message(std::function<void(websocket_kind, byte_view)> handler) {
  auto now = std::make_shared<const core::message_handler>(std::move(handler));
  {
    const std::lock_guard hold(core_->lock);
    if (core_->over) return;
    core_->on_message.swap(now); // the old one dies after the lock
  }
  core_->pump_soon();
}

void websocket::on_drained(std::function<void()> handler) {
  const std::lock_guard hold(core_->lock);
  if (!core_->over) core_->on_drained.swap(handler);
}

void websocket::on_closed(std::function<void(const error&)> handler) {
  {
    const std::lock_guard hold(core_->lock);
    if (!core_->over) return core_->on_closed.swap(handler);
  }
  if (handler && !core_->server->post([handler, why = core_->why] { handler(why); }))
    handler(core_->why);
}

void websocket::core::close(std::uint16_t code, std::string_view reason, error why_) {
  {
    const std::lock_guard hold(lock);
    if (over || closing) return;
    closing = true;
    const bool sendable =
        (code >= 1000 && code <= 1011 && code != 1004 && code != 1005 && code != 1006) ||
        (code >= 3000 && code <= 4999);
    close_code = sendable ? code : 1000;
    close_reason = cut(reason);
    why = std::move(why_);
  }
  pump_soon();
}

// One job for all that is wished until it runs.
void websocket::core::pump_soon() {
  {
    const std::lock_guard hold(lock);
    if (over || std::exchange(pump_comes, true)) return;
  }
  server->post([self = shared_from_this()] {
    std::shared_ptr<websocket_session> to;
    {
      const std::lock_guard hold(self->lock);
      self->pump_comes = false;
      to = self->session.lock();
    }
    if (to) to->pump();
  });
}

// A message is no longer in the queue.
void websocket::core::forget(std::size_t message_size) {
  const std::lock_guard hold(lock);
  queued -= std::min(queued, message_size + frame_head_size_max);
}

void websocket::core::on_room(std::size_t unsent) {
  std::function<void()> tell;
  {
    const std::lock_guard hold(lock);
    in_stream = unsent;
    if (over || !wants_room || queued + in_stream > unsent_max / 2) return;
    wants_room = false;
    tell = on_drained;
  }
  if (tell) tell();
}

void websocket::core::end(const error& why_) {
  std::unique_lock hold(lock);
  if (std::exchange(over, true)) return;
  why = why_;
  queue.clear();
  queued = in_stream = 0;
  const auto tell = std::exchange(on_closed, nullptr);
  // These die after the lock.
  const auto drained = std::exchange(on_drained, nullptr);
  const auto message = std::exchange(on_message, nullptr);
  hold.unlock();
  server->give_stream();
  if (tell) server->post([tell, why_] { tell(why_); });
}

} // namespace kith::net
