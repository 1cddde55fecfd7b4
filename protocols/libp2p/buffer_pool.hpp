// Buffers for decrypted bytes that come back by themselves once the last slice of them is gone, on
// whatever thread that happens: so that a busy connection neither allocates nor clears 64 KiB for
// every frame.
#pragma once

#include "runtime/base/bytes.hpp"

#include <memory>

namespace kith::libp2p {

class buffer_pool {
public:
  // Two whole Noise frames.
  static constexpr std::size_t buffer_size = 128 << 10;
  static constexpr std::size_t idle_max = 8; // kept for later use; more are freed

  buffer_pool();
  // `buffer_size` bytes of any content. Only the pool's owner takes; anyone may let go.
  std::shared_ptr<bytes> take();

private:
  struct shelf;
  std::shared_ptr<shelf> shelf_; // shared with the buffers under way, which may outlive the pool
};

} // namespace kith::libp2p
