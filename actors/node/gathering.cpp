#include "actors/node/gathering.hpp"

#include <boost/json.hpp>
#include <mutex>

namespace kith::control {

namespace bj = boost::json;

struct gathering::state {
  std::mutex mutex;
  bj::array found;
  std::size_t missing = 0;
  finished done;

  void answered(std::unique_lock<std::mutex>& lock) {
    if (missing > 0 && --missing == 0) finish(lock);
  }
  void finish(std::unique_lock<std::mutex>& lock) {
    if (!done) return;
    auto call = std::exchange(done, nullptr);
    auto all = std::move(found);
    lock.unlock();
    call(std::move(all));
  }
};

gathering::gathering(finished done) : state_(std::make_unique<state>()) {
  state_->done = std::move(done);
}

gathering::~gathering() = default;

void gathering::add(bj::value known) { state_->found.push_back(std::move(known)); }

void gathering::expect(std::size_t answers) {
  std::unique_lock lock(state_->mutex);
  state_->missing = answers;
  if (answers == 0) state_->finish(lock);
}

void gathering::one(bj::value v) {
  std::unique_lock lock(state_->mutex);
  if (state_->done) state_->found.push_back(std::move(v));
  state_->answered(lock);
}

void gathering::none() {
  std::unique_lock lock(state_->mutex);
  state_->answered(lock);
}

void gathering::give_up() {
  std::unique_lock lock(state_->mutex);
  state_->finish(lock);
}

} // namespace kith::control
