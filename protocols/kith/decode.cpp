#include "protocols/kith/decode.hpp"

#include "protocols/kith/layout.hpp"

#include <algorithm>

namespace kith::wire {

result<frame> decode_body(frame_type type, slice body) {
  switch (type) {
  case frame_type::batch: {
    auto f = decode_batch(std::move(body));
    if (f && (std::get<batch>(*f).number == 0 ||
              (!std::get<batch>(*f).items.empty() && std::get<batch>(*f).first == 0)))
      return bad_frame("batch without its stream");
    return f;
  }
  case frame_type::volatile_batch: return decode_volatile(std::move(body));
  case frame_type::fragment: return decode_fragment(std::move(body));
  default: return decode_control(type, body);
  }
}

static bool is_known(std::uint8_t type) { return to_string(frame_type(type)) != "?"; }

result<void> decoder::feed(byte_view chunk) {
  while (!failed_ && !chunk.empty()) {
    if (header_count_ < header_size) {
      auto n = std::min(header_size - header_count_, chunk.size());
      std::copy_n(chunk.data(), n, header_.data() + header_count_);
      header_count_ += n;
      chunk = chunk.subspan(n);
      if (header_count_ < header_size) break;
      if (auto ok = begin(); !ok) failed_ = std::move(ok).error();
    } else {
      auto n = std::min(body_size_ - body_.size(), chunk.size());
      body_.insert(body_.end(), chunk.begin(), chunk.begin() + std::ptrdiff_t(n));
      chunk = chunk.subspan(n);
      if (body_.size() < body_size_) break;
      if (auto ok = complete(); !ok) failed_ = std::move(ok).error();
    }
  }
  if (failed_) return fail(*failed_);
  return {};
}

result<void> decoder::begin() {
  std::size_t size = get_le<std::uint32_t>(header_.data());
  if (size > frame_size_max - 4)
    return fail(errc::too_large, "frame_too_large",
                "a frame of " + std::to_string(size) + " bytes");
  // The smallest body is a FlatBuffer of its root offset, table and vtable.
  if (size < header_size - 4 + 8) return bad_frame("no body");
  if ((header_[5] & ~flag_skippable) != 0 || header_[6] != 0 || header_[7] != 0)
    return bad_frame("unknown header flags");
  if (!is_known(header_[4]) && (header_[5] & flag_skippable) == 0)
    return fail(errc::unsupported, "unknown_frame", "type " + std::to_string(header_[4]));
  body_size_ = size + 4 - header_size;
  body_ = bytes();
  body_.reserve(body_size_); // at most 64 KiB, whatever was announced
  return {};
}

result<void> decoder::complete() {
  header_count_ = 0;
  auto body = std::exchange(body_, {});
  if (!is_known(header_[4])) return {};
  KITH_ASSIGN(auto f, decode_body(frame_type(header_[4]), slice(std::move(body))));
  frames_.push_back(std::move(f));
  return {};
}

result<std::optional<reassembler::whole>> reassembler::add(const fragment& f) {
  if (f.total_size > envelope::size_max)
    return fail(errc::too_large, "envelope_too_large", "fragmented");
  auto found = partials_.find(f.number);
  if (found == partials_.end()) {
    if (f.offset != 0)
      return fail(errc::malformed, "bad_fragment", "does not begin at the beginning");
    if (pending_bytes_ + f.total_size > total_size_max || partials_.size() >= streams_max)
      return fail(errc::overloaded, "reassembly_full", "too many large envelopes under way");
    found = partials_.emplace(f.number, partial{f.seq, f.total_size, f.time_to_live_ms, {}}).first;
    pending_bytes_ += f.total_size;
  }
  auto& p = found->second;
  if (p.seq != f.seq || p.total_size != f.total_size || p.got.size() != f.offset ||
      f.part.size() > p.total_size - p.got.size()) {
    forget(f.number);
    return fail(errc::malformed, "bad_fragment", "out of order, or of another envelope");
  }
  if (p.got.empty()) p.got.reserve(p.total_size);
  append(p.got, f.part);
  if (p.got.size() < p.total_size) return std::optional<whole>();
  whole out{f.number, p.seq, p.time_to_live_ms, slice(std::move(p.got))};
  forget(f.number);
  return std::optional(std::move(out));
}

void reassembler::forget(stream_number number) {
  auto found = partials_.find(number);
  if (found == partials_.end()) return;
  pending_bytes_ -= found->second.total_size;
  partials_.erase(found);
}

} // namespace kith::wire
