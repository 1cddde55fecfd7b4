// See noise_transport.hpp.
#include "protocols/libp2p/noise_transport.hpp"

#include <algorithm>

namespace kith::libp2p {

void noise_sender::append(byte_view b) {
  if (failure_) return;
  while (!b.empty()) {
    if (!frame_begin_) {
      frame_begin_ = out_.size();
      out_.insert(out_.end(), noise_length_size, 0);
    }
    auto held = out_.size() - *frame_begin_ - noise_length_size;
    auto part = b.first(std::min(b.size(), noise_plaintext_max - held));
    kith::append(out_, part);
    b = b.subspan(part.size());
    if (held + part.size() == noise_plaintext_max) seal();
  }
}

void noise_sender::seal() {
  auto begin = *frame_begin_;
  frame_begin_.reset();
  auto plain_size = out_.size() - begin - noise_length_size;
  auto sealed_size = plain_size + noise_tag_size;
  out_.insert(out_.end(), noise_tag_size, 0);
  out_[begin] = std::uint8_t(sealed_size >> 8);
  out_[begin + 1] = std::uint8_t(sealed_size);
  auto sealed = std::span(out_).subspan(begin + noise_length_size);
  auto r = cipher_.seal({}, sealed.first(plain_size), sealed);
  if (r) return;
  failure_ = r.error();
  out_.resize(begin); // nothing unsealed may leave
}

slice noise_sender::take() {
  if (frame_begin_) seal();
  if (out_.empty()) return {};
  auto taken = pool_.take();
  taken->clear(); // of an earlier output, whose memory is the next one's
  std::swap(*taken, out_);
  return slice(taken, *taken);
}

result<std::optional<slice>> noise_receiver::receive(byte_view& in) {
  auto complete = [](byte_view b) {
    return b.size() >= noise_length_size && b.size() >= noise_length_size + get_u16(b.data());
  };
  auto sealed_of = [](byte_view b) { return b.subspan(noise_length_size, get_u16(b.data())); };
  if (partial_.empty()) {
    if (complete(in)) {
      auto sealed = sealed_of(in);
      in = in.subspan(noise_length_size + sealed.size());
      return open(sealed);
    }
    append(partial_, in);
    in = {};
    return std::nullopt;
  }
  auto take_up_to = [&](std::size_t size) {
    auto part = in.first(std::min(in.size(), size - std::min(size, partial_.size())));
    append(partial_, part);
    in = in.subspan(part.size());
  };
  take_up_to(noise_length_size);
  if (partial_.size() < noise_length_size) return std::nullopt;
  take_up_to(noise_length_size + get_u16(partial_.data()));
  if (!complete(partial_)) return std::nullopt;
  auto plain = open(sealed_of(partial_));
  partial_.clear();
  return plain;
}

result<slice> noise_receiver::open(byte_view sealed) {
  if (sealed.size() < noise_tag_size)
    return fail(errc::malformed, "bad_noise_message", "shorter than a tag");
  auto size = sealed.size() - noise_tag_size;
  if (!plain_ || plain_->size() - plain_used_ < size) {
    plain_.reset(); // so that it can be the very one taken, if nobody else holds it
    plain_ = pool_.take();
    plain_used_ = 0;
  }
  auto target = std::span(*plain_).subspan(plain_used_, size);
  KITH_TRY(cipher_.open({}, sealed, target));
  plain_used_ += size;
  return slice(plain_, target);
}

} // namespace kith::libp2p
