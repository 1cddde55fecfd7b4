// Who called whom: the dialer speaks first in Noise and has yamux's odd stream ids.
#pragma once

#include <cstdint>

namespace kith::libp2p {

enum class role : std::uint8_t { dialer, listener };

// Yamux's number of a stream on its connection; never 0.
using stream_id = std::uint32_t;

} // namespace kith::libp2p
