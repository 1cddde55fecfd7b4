// Frames that carry envelopes, both ways: fixed binary, so that an envelope is copied once into a
// frame and never out.
#include "protocols/kith/encode.hpp"
#include "protocols/kith/layout.hpp"

#include <algorithm>
#include <cassert>

namespace kith::wire {

namespace {

// Of the part before the envelopes: fixed fields, head, sizes (u32 each, padded to 8), remaining
// lives (u64 each).
std::size_t table_size(std::size_t count, bool head, bool ttl) {
  return batch_fixed_size + (head ? batch_head_size : 0) + padded(count * 4) +
         (ttl ? count * 8 : 0);
}

} // namespace

std::size_t batch_builder::size() const {
  return header_size + table_size(items_.size(), head_.has_value(), any_ttl_) + raw_size_;
}

bool batch_builder::add(slice raw, std::uint64_t time_to_live_ms) {
  bool ttl = any_ttl_ || time_to_live_ms != 0;
  auto raw_size = raw_size_ + padded(raw.size());
  auto size = header_size + table_size(items_.size() + 1, head_.has_value(), ttl) + raw_size;
  if (size > frame_size_max || items_.size() == batch_count_max) return false;
  any_ttl_ = ttl;
  raw_size_ = raw_size;
  items_.push_back({time_to_live_ms, std::move(raw)});
  return true;
}

bool batch_builder::set_head(const signed_head& head) {
  assert(number_ != 0);
  if (!head_ && size() + batch_head_size > frame_size_max) return false;
  head_ = head;
  return true;
}

void batch_builder::clear(sequence first) {
  first_ = first;
  head_.reset();
  items_.clear();
  raw_size_ = 0;
  any_ttl_ = false;
}

bytes batch_builder::finish() const {
  bytes out(size());
  auto* to = out.data();
  put_header(to, number_ == 0 ? frame_type::volatile_batch : frame_type::batch,
             out.size() - header_size);
  to += header_size;
  put_le(to, number_);
  put_le(to + 4, std::uint16_t(items_.size()));
  put_le(to + 6, std::uint16_t((head_ ? batch_flag_head : 0) | (any_ttl_ ? batch_flag_ttl : 0)));
  put_le(to + 8, first_);
  to += batch_fixed_size;
  if (head_) {
    put_le(to, head_->seq);
    std::copy(head_->last.begin(), head_->last.end(), to + 8);
    std::copy(head_->signature.begin(), head_->signature.end(), to + 40);
    to += batch_head_size;
  }
  for (std::size_t i = 0; i < items_.size(); ++i)
    put_le(to + 4 * i, std::uint32_t(items_[i].raw.size()));
  to += padded(items_.size() * 4);
  if (any_ttl_) {
    for (const auto& item : items_) put_le(to, item.time_to_live_ms), to += 8;
  }
  for (const auto& item : items_) {
    std::copy_n(item.raw.data(), item.raw.size(), to);
    to += padded(item.raw.size());
  }
  return out;
}

bool fits_batch(std::size_t envelope_size) {
  return header_size + table_size(1, true, true) + padded(envelope_size) <= frame_size_max;
}

static bytes encode_items(batch_builder builder, const std::vector<batch::item>& items) {
  for (const auto& item : items) {
    [[maybe_unused]] bool fits = builder.add(item.raw, item.time_to_live_ms);
    assert(fits);
  }
  return builder.finish();
}

bytes encode(const batch& f) {
  batch_builder builder(f.number, f.first);
  if (f.head) builder.set_head(*f.head);
  return encode_items(std::move(builder), f.items);
}

bytes encode(const volatile_batch& f) { return encode_items(batch_builder(), f.items); }

static bytes write_fragment(const fragment& f, byte_view part) {
  bytes out(header_size + fragment_fixed_size + part.size());
  auto* to = out.data();
  put_header(to, frame_type::fragment, out.size() - header_size);
  to += header_size;
  put_le(to, f.number);
  put_le(to + 4, f.offset);
  put_le(to + 8, f.total_size);
  put_le(to + 16, f.seq);
  put_le(to + 24, f.time_to_live_ms);
  std::copy(part.begin(), part.end(), to + fragment_fixed_size);
  return out;
}

bytes encode(const fragment& f) { return write_fragment(f, f.part); }

std::vector<bytes> encode_fragments(stream_number number, sequence seq, byte_view raw,
                                    std::uint64_t time_to_live_ms) {
  static constexpr std::size_t part_size_max = body_size_max - fragment_fixed_size;
  assert(!raw.empty() && raw.size() <= envelope::size_max);
  std::vector<bytes> out;
  for (std::size_t at = 0; at < raw.size(); at += part_size_max) {
    fragment f{number, seq, std::uint32_t(at), std::uint32_t(raw.size()), time_to_live_ms, {}};
    out.push_back(write_fragment(f, raw.subspan(at, std::min(part_size_max, raw.size() - at))));
  }
  return out;
}

result<frame> decode_batch(slice body) {
  if (body.size() < batch_fixed_size) return bad_frame("batch without its fixed part");
  const auto* at = body.data();
  batch f;
  f.number = get_le<std::uint32_t>(at);
  std::size_t count = get_le<std::uint16_t>(at + 4);
  auto flags = get_le<std::uint16_t>(at + 6);
  f.first = get_le<std::uint64_t>(at + 8);
  bool head = flags & batch_flag_head, ttl = flags & batch_flag_ttl;
  if (flags & ~(batch_flag_head | batch_flag_ttl)) return bad_frame("unknown batch flags");
  if (count > batch_count_max) return list_too_large("envelopes in a batch");
  if (count == 0 && (!head || ttl)) return bad_frame("empty batch");
  std::size_t offset = table_size(count, head, ttl);
  if (offset > body.size()) return bad_frame("batch shorter than its table");
  at += batch_fixed_size;
  if (head) {
    auto& h = f.head.emplace();
    h.seq = get_le<std::uint64_t>(at);
    std::copy_n(at + 8, h.last.size(), h.last.begin());
    std::copy_n(at + 40, h.signature.size(), h.signature.begin());
    at += batch_head_size;
  }
  const auto* sizes = at;
  const auto* ttls = at + padded(count * 4);
  if (count % 2 == 1 && get_le<std::uint32_t>(sizes + count * 4) != 0)
    return bad_frame("padding of the size list");
  f.items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t size = get_le<std::uint32_t>(sizes + 4 * i);
    if (size == 0 || padded(size) > body.size() - offset)
      return bad_frame("envelope beyond the end of its batch");
    f.items.push_back({ttl ? get_le<std::uint64_t>(ttls + 8 * i) : 0, body.part(offset, size)});
    offset += padded(size);
  }
  if (offset != body.size()) return bad_frame("bytes behind the last envelope");
  return f;
}

result<frame> decode_volatile(slice body) {
  KITH_ASSIGN(auto whole, decode_batch(std::move(body)));
  auto& f = std::get<batch>(whole);
  if (f.number != 0 || f.first != 0 || f.head || f.items.empty())
    return bad_frame("volatile frame with a stream");
  return volatile_batch{std::move(f.items)};
}

result<frame> decode_fragment(slice body) {
  if (body.size() <= fragment_fixed_size) return bad_frame("fragment without content");
  const auto* at = body.data();
  fragment f;
  f.number = get_le<std::uint32_t>(at);
  f.offset = get_le<std::uint32_t>(at + 4);
  f.total_size = get_le<std::uint32_t>(at + 8);
  if (get_le<std::uint32_t>(at + 12) != 0) return bad_frame("reserved field of a fragment");
  f.seq = get_le<std::uint64_t>(at + 16);
  f.time_to_live_ms = get_le<std::uint64_t>(at + 24);
  f.part = body.part(fragment_fixed_size, body.size() - fragment_fixed_size);
  if (f.total_size > envelope::size_max)
    return fail(errc::too_large, "envelope_too_large", "fragmented");
  if (std::uint64_t(f.offset) + f.part.size() > f.total_size)
    return bad_frame("fragment beyond its envelope");
  if ((f.number == 0) != (f.seq == 0)) return bad_frame("fragment with half a position");
  return f;
}

} // namespace kith::wire
