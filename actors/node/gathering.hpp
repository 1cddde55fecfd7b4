// Answers of many to one request, joined into one array; whoever has not answered by the deadline
// is left out. Thread-safe; shared by the answers under way.
#pragma once

#include "actors/node/control_server.hpp"

#include <boost/json.hpp>
#include <mutex>
#include <optional>

namespace kith::control {

struct gathering {
  static constexpr duration time_max = std::chrono::seconds(2);

  std::mutex mutex;
  boost::json::array found;
  std::size_t missing = 0;
  control_server::reply reply;

  void one(std::optional<boost::json::value> v) {
    std::unique_lock lock(mutex);
    if (v && reply) found.push_back(std::move(*v));
    if (missing > 0 && --missing == 0) finish(lock);
  }
  void give_up() {
    std::unique_lock lock(mutex);
    finish(lock);
  }

private:
  void finish(std::unique_lock<std::mutex>& lock) {
    if (!reply) return;
    auto done = std::exchange(reply, nullptr);
    auto all = std::move(found);
    lock.unlock();
    done(std::move(all));
  }
};

} // namespace kith::control
