// See buffer_pool.hpp.
#include "protocols/libp2p/buffer_pool.hpp"

#include <mutex>

namespace kith::libp2p {

struct buffer_pool::shelf {
  std::mutex mutex;
  std::vector<std::unique_ptr<bytes>> idle;
};

buffer_pool::buffer_pool(std::size_t size) : size_(size), shelf_(std::make_shared<shelf>()) {
  shelf_->idle.reserve(idle_max);
}

std::shared_ptr<bytes> buffer_pool::take() {
  std::unique_ptr<bytes> b;
  {
    std::lock_guard lock(shelf_->mutex);
    if (!shelf_->idle.empty()) {
      b = std::move(shelf_->idle.back());
      shelf_->idle.pop_back();
    }
  }
  if (!b) b = std::make_unique<bytes>(size_);
  return {b.release(), [shelf = shelf_](bytes* returned) {
            std::unique_ptr<bytes> owned(returned);
            std::lock_guard lock(shelf->mutex);
            if (shelf->idle.size() < idle_max && owned->capacity() <= capacity_kept_max)
              shelf->idle.push_back(std::move(owned));
          }};
}

} // namespace kith::libp2p
