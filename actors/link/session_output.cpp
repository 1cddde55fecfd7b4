// The sending half of a link session: two bounded queues, control before data, one frame after
// another.
#include "actors/link/link_session.hpp"

namespace kith {

namespace {
constexpr std::size_t control_reserve =
    64 << 10; // of the peer's window, which data leaves free for control
constexpr std::size_t socket_unsent_max = 512 << 10;
constexpr std::size_t staging_size = 64 << 10;
} // namespace

void link_session::attach(caf::actor link) {
  {
    std::lock_guard lock(mutex_);
    link_ = std::move(link);
  }
  ports_.reactor.post([self = shared_from_this()] {
    if (!self->closed_) return self->hand_over(); // what the peer said before there was a link
    caf::actor late;
    {
      std::lock_guard lock(self->mutex_);
      late = std::exchange(self->link_, nullptr);
    }
    const error why{errc::unavailable, "ended_early", "it was over before its link took it"};
    if (late) caf::anon_send(late, link_lost{self->id_, why});
  });
}

void link_session::say(const wire::frame& f) { send_control(wire::encode(f)); }

void link_session::send_control(bytes frame) {
  {
    std::lock_guard lock(mutex_);
    control_size_ += frame.size();
    control_.push_back(std::move(frame));
  }
  wake();
}

void link_session::send_data(bytes frame) {
  {
    std::lock_guard lock(mutex_);
    data_size_ += frame.size();
    data_.push_back(std::move(frame));
    if (!room()) waiting_for_room_ = true;
  }
  wake();
}

void link_session::wake() {
  {
    std::lock_guard lock(mutex_);
    if (woken_) return;
    woken_ = true;
  }
  ports_.reactor.post([self = shared_from_this()] { self->flush(); });
}

// Stages the next frames, small ones together; false if nothing may be sent now.
bool link_session::fill() {
  staged_.clear();
  staged_offset_ = 0;
  std::lock_guard lock(mutex_);
  woken_ = false;
  auto take = [&](std::deque<bytes>& queue) {
    auto frame = std::move(queue.front());
    queue.pop_front();
    if (staged_.empty())
      staged_ = std::move(frame);
    else
      append(staged_, frame);
  };
  while (!control_.empty() &&
         (staged_.empty() || staged_.size() + control_.front().size() <= staging_size)) {
    control_size_ -= control_.front().size();
    take(control_);
  }
  bool data_may = announced_ && connection_->send_window(*stream_) > control_reserve;
  while (data_may && !data_.empty() &&
         (staged_.empty() || staged_.size() + data_.front().size() <= staging_size)) {
    data_size_ -= data_.front().size();
    take(data_);
  }
  if (waiting_for_room_ && data_size_ < ports_.data_queue_max / 2) {
    waiting_for_room_ = false;
    if (link_) caf::anon_send(link_, link_drained{id_});
  }
  return !staged_.empty();
}

void link_session::flush() {
  if (closed_) return;
  bool stuck = false;
  {
    std::lock_guard lock(mutex_);
    woken_ = false;
    stuck = control_size_ > control_queue_max;
  }
  if (stuck)
    return fail({errc::overloaded, "peer_too_slow", "the peer does not read what it is sent"});
  while (stream_ && socket_->unsent() < socket_unsent_max) {
    if (staged_offset_ == staged_.size() && !fill()) break;
    auto rest = byte_view(staged_).subspan(staged_offset_);
    auto taken = connection_->write(*stream_, rest);
    staged_offset_ += taken;
    pump_output();
    if (taken < rest.size()) break; // stream_writable or on_drained goes on
  }
  pump_output();
}

void link_session::pump_output() {
  if (!socket_ || connection_->output_size() == 0) return;
  socket_->write(connection_->take_output());
}

void link_session::close(wire::parting why, std::string text) {
  ports_.reactor.post([self = shared_from_this(), why, text = std::move(text)] {
    self->part(why, text,
               {errc::cancelled, "link_closed",
                why == wire::parting::replaced ? "replaced by another connection" : "closed here"});
  });
}

void link_session::part(wire::parting why, const std::string& text, const error& reason) {
  if (closed_) return;
  {
    std::lock_guard lock(mutex_);
    data_.clear(); // nothing may follow a goodbye
    data_size_ = 0;
  }
  say(wire::goodbye{why, text});
  flush();
  connection_->shutdown();
  pump_output();
  fail(reason);
}

void link_session::fail(const error& why) {
  if (closed_) return;
  closed_ = true;
  auto self = shared_from_this();
  hand_over(); // what was legal before it: acks, and the peer's goodbye
  ports_.reactor.cancel(timer_);
  socket_->close();
  // The socket flushes what is queued and ends by itself; it must outlive this call, which it may
  // have made.
  ports_.reactor.after(std::chrono::seconds(5), [self] { self->socket_.reset(); });
  caf::actor link;
  {
    std::lock_guard lock(mutex_);
    link = std::exchange(link_, nullptr);
    control_.clear();
    data_.clear();
    data_size_ = 0;
  }
  if (link) caf::anon_send(link, link_lost{id_, why});
  if (events_.closed) events_.closed(self, why);
  events_ = {};
}

} // namespace kith
