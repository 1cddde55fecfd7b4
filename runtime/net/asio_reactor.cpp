// The real reactor: one thread in Asio's loop.
#include "runtime/net/asio_reactor_impl.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cassert>

namespace kith::net {

asio_reactor::impl::~impl() {
  ended = true;
  auto dying = std::move(jobs);
  dying.clear();
  timers.clear();
}

void asio_reactor::impl::cancel(timer_id timer) {
  if (!ended) timers.erase(timer);
}

void asio_reactor::impl::post(std::function<void()> job) {
  if (ended) return;
  bool first;
  {
    const std::lock_guard hold(lock);
    first = jobs.empty();
    jobs.push_back(std::move(job));
  }
  if (first) asio::post(io, [this] { drain(); });
}

void asio_reactor::impl::drain() {
  {
    const std::lock_guard hold(lock);
    running.swap(jobs);
  }
  // What these post waits for the next round, so sockets and timers get their turn in between.
  for (auto& job : running) {
    job();
    job = nullptr;
  }
  running.clear();
}

timer_id asio_reactor::impl::after(duration delay, std::function<void()> job) {
  if (ended) return 0;
  const timer_id id = ++last_timer;
  auto& timer = timers.try_emplace(id, io).first->second;
  timer.expires_after(std::max(delay, duration::zero()));
  timer.async_wait([this, id, job = std::move(job)](const boost::system::error_code& ec) {
    // Looked up again: a timer cancelled when its time had already come still gets here without an
    // error.
    if (ec || timers.erase(id) == 0) return;
    job();
  });
  return id;
}

asio_reactor::asio_reactor() : impl_(std::make_unique<impl>()) {}

asio_reactor::~asio_reactor() { stop(); }

void asio_reactor::start() {
  assert(!impl_->thread.joinable());
  impl_->thread = std::thread([inner = impl_.get()] {
    inner->started.wait();
    inner->io.run();
  });
  impl_->owner = impl_->thread.get_id();
  impl_->started.count_down();
}

void asio_reactor::stop() {
  if (!impl_->thread.joinable()) return;
  assert(impl_->owner.load() != std::this_thread::get_id());
  impl_->io.stop();
  impl_->thread.join();
  impl_->owner = std::thread::id();
}

void asio_reactor::call(const std::function<void()>& job) {
  if (on_thread()) return job();
  std::latch done{1};
  post([&] {
    job();
    done.count_down();
  });
  done.wait();
}

void asio_reactor::post(std::function<void()> job) { impl_->post(std::move(job)); }

timer_id asio_reactor::after(duration delay, std::function<void()> job) {
  assert(on_thread());
  return impl_->after(delay, std::move(job));
}

void asio_reactor::cancel(timer_id timer) {
  assert(on_thread());
  impl_->cancel(timer);
}

bool asio_reactor::on_thread() const {
  const auto owner = impl_->owner.load();
  return owner == std::thread::id() || owner == std::this_thread::get_id();
}

} // namespace kith::net
