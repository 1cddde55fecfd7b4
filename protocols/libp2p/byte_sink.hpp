// Where a layer puts bytes for the layer below: yamux's frames go through it straight into the open
// Noise frame.
#pragma once

#include "runtime/base/bytes.hpp"

namespace kith::libp2p {

class byte_sink {
public:
  virtual ~byte_sink() = default;
  // Takes all of it, now.
  virtual void append(byte_view b) = 0;
  // Bytes taken here and not yet on their way: what limits on output go by.
  virtual std::size_t size() const = 0;
};

} // namespace kith::libp2p
