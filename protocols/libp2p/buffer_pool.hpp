// Buffers that come back by themselves once the last slice of them is gone, on whatever thread that
// happens: so that a busy connection neither allocates nor clears memory for every frame it opens
// and every output it hands to the socket.
#pragma once

#include "runtime/base/bytes.hpp"

#include <memory>

namespace kith::libp2p {

class buffer_pool {
public:
  static constexpr std::size_t idle_max = 4;                // kept for later use; more are freed
  static constexpr std::size_t capacity_kept_max = 2 << 20; // bytes; larger ones are freed

  // New buffers have `size` bytes.
  explicit buffer_pool(std::size_t size);
  // Of any content; one that was used before has the size it then had. Only the pool's owner takes;
  // anyone may let go.
  std::shared_ptr<bytes> take();

private:
  struct shelf;
  std::size_t size_;
  std::shared_ptr<shelf> shelf_; // shared with the buffers under way, which may outlive the pool
};

} // namespace kith::libp2p
