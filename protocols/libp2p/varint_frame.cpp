// See varint_frame.hpp. The length is read byte by byte, since even it may arrive in pieces.
#include "protocols/libp2p/varint_frame.hpp"

#include <algorithm>

namespace kith::libp2p {

result<bool> varint_frame_reader::receive(byte_view& in) {
  while (state_ == state::prefix) {
    if (in.empty()) return false;
    auto b = in.front();
    in = in.subspan(1);
    size_ |= std::uint64_t(b & 0x7f) << (7 * prefix_size_);
    ++prefix_size_;
    if (b == 0 && prefix_size_ > 1) return fail(errc::malformed, "bad_varint", "not minimal");
    if (size_ > size_max_)
      return fail(errc::too_large, "frame_too_large", "more than " + std::to_string(size_max_));
    if ((b & 0x80) == 0) {
      state_ = state::body;
      body_.clear();
    } else if (prefix_size_ == 9) {
      return fail(errc::malformed, "bad_varint", "longer than 9 bytes");
    }
  }
  auto part = in.first(std::min<std::size_t>(in.size(), std::size_t(size_) - body_.size()));
  append(body_, part);
  in = in.subspan(part.size());
  if (body_.size() < size_) return false;
  state_ = state::prefix;
  prefix_size_ = 0;
  size_ = 0;
  return true;
}

} // namespace kith::libp2p
