// /ipfs/ping/1.0.0 (ping/ping.md): 32 random bytes, echoed.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/base/random.hpp"

#include <optional>

namespace kith::libp2p {

inline constexpr std::string_view ping_protocol = "/ipfs/ping/1.0.0";
inline constexpr std::size_t ping_size = 32;
inline constexpr std::size_t ping_inbound_streams_max =
    2; // more are reset, as the specification advises

// The answering side: appends the echo of every whole payload to `out`, and keeps what is left
// over.
class ping_answer {
public:
  void receive(byte_view in, bytes& out);

private:
  bytes partial_;
};

// The asking side, for one payload.
class ping_request {
public:
  explicit ping_request(random_source& random) { random.fill(payload_); }

  // What to send, and when it was sent.
  byte_view start(time_point now) {
    sent_at_ = now;
    return payload_;
  }
  // The round-trip time once the whole echo is there. Errors: malformed "bad_pong": something else
  // came back.
  result<std::optional<duration>> receive(byte_view in, time_point now);

private:
  byte_array<ping_size> payload_{};
  std::size_t echoed_ = 0;
  time_point sent_at_{};
};

} // namespace kith::libp2p
