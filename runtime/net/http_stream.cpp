// A body written bit by bit: from any thread into a buffer, from there by the reactor.
#include "runtime/net/http_stream_core.hpp"

namespace kith::net {

http_stream::http_stream(std::shared_ptr<core> inner) : core_(std::move(inner)) {}

http_stream::~http_stream() { close(); }

bool http_stream::write(byte_view data) { return core_->write(data); }

std::size_t http_stream::unsent() const {
  const std::lock_guard hold(core_->lock);
  return core_->pending.size() + core_->in_stream;
}

void http_stream::close() { core_->close({errc::cancelled, "closed", "closed here"}); }

void http_stream::on_drained(std::function<void()> handler) {
  const std::lock_guard hold(core_->lock);
  if (!core_->over) core_->on_drained.swap(handler); // the old one dies after the lock
}

void http_stream::on_closed(std::function<void(const error&)> handler) {
  {
    const std::lock_guard hold(core_->lock);
    if (!core_->over) return core_->on_closed.swap(handler);
  }
  if (handler && !core_->server->post([handler, why = core_->reason] { handler(why); }))
    handler(core_->reason);
}

bool http_stream::core::write(byte_view data) {
  std::unique_lock hold(lock);
  if (over || closing) return false;
  const std::size_t waits = pending.size() + in_stream;
  if (waits > 0 && waits + data.size() > unsent_max) {
    wants_room = true;
    return false;
  }
  if (data.empty()) return true; // an empty chunk would end the body
  if (chunked)
    write_chunk(pending, data);
  else
    append(pending, data);
  flush_soon(hold);
  return true;
}

void http_stream::core::close(error why) {
  std::unique_lock hold(lock);
  if (over || closing) return;
  closing = true;
  reason = std::move(why);
  flush_soon(hold);
}

// One job for all that is written until it runs.
void http_stream::core::flush_soon(std::unique_lock<std::mutex>& hold) {
  if (std::exchange(flush_comes, true)) return;
  hold.unlock();
  server->post([self = shared_from_this()] { self->flush(); });
}

void http_stream::core::begin() {
  const std::lock_guard hold(lock);
  begun = true;
}

void http_stream::core::flush() {
  std::unique_lock hold(lock);
  flush_comes = false;
  if (over || !begun) return;
  const auto to = connection;
  const bool last = closing;
  bytes out = std::exchange(pending, {});
  if (last && chunked) append(out, as_bytes(last_chunk));
  hold.unlock();
  if (!out.empty()) to->send(std::move(out));
  if (!last) return on_room(to->unsent());
  end(error(reason));
  to->end_stream();
}

void http_stream::core::on_room(std::size_t unsent) {
  std::function<void()> tell;
  {
    const std::lock_guard hold(lock);
    in_stream = unsent;
    if (over || !wants_room || pending.size() + in_stream > unsent_max / 2) return;
    wants_room = false;
    tell = on_drained;
  }
  if (tell) tell();
}

void http_stream::core::end(const error& why) {
  std::unique_lock hold(lock);
  if (std::exchange(over, true)) return;
  reason = why;
  pending = {};
  in_stream = 0;
  const auto tell = std::exchange(on_closed, nullptr);
  const auto dies_after_the_lock = std::exchange(on_drained, nullptr);
  const auto gone = std::exchange(connection, nullptr);
  hold.unlock();
  server->give_stream();
  if (tell) server->post([tell, why] { tell(why); });
}

} // namespace kith::net
