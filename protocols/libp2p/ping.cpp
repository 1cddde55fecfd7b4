// See ping.hpp.
#include "protocols/libp2p/ping.hpp"

namespace kith::libp2p {

void ping_answer::receive(byte_view in, bytes& out) {
  append(partial_, in);
  auto whole = partial_.size() / ping_size * ping_size;
  append(out, byte_view(partial_).first(whole));
  partial_.erase(partial_.begin(), partial_.begin() + std::ptrdiff_t(whole));
}

result<std::optional<duration>> ping_request::receive(byte_view in, time_point now) {
  if (in.size() > ping_size - echoed_ ||
      !equal(in, byte_view(payload_).subspan(echoed_, in.size())))
    return fail(errc::malformed, "bad_pong", "the echo is not what was sent");
  echoed_ += in.size();
  if (echoed_ < ping_size) return std::nullopt;
  return now - sent_at_;
}

} // namespace kith::libp2p
