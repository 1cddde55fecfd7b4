// Bytes, views of them, and the slice: a view that keeps its buffer alive, so that an envelope read
// from a socket is never copied on its way to the store. Also the little encodings that everybody
// needs (hex, big-endian, varint).
#pragma once

#include "runtime/base/result.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kith {

using bytes = std::vector<std::uint8_t>;
using byte_view = std::span<const std::uint8_t>;
template <std::size_t N> using byte_array = std::array<std::uint8_t, N>;

inline byte_view as_bytes(std::string_view s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}
inline std::string_view as_text(byte_view b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}
inline bytes to_bytes(byte_view b) { return {b.begin(), b.end()}; }
inline void append(bytes& out, byte_view b) { out.insert(out.end(), b.begin(), b.end()); }
inline bool equal(byte_view a, byte_view b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// A part of a reference-counted, immutable buffer. Cheap to copy; safe to hand to another thread.
class slice {
public:
  slice() = default;
  // Takes the whole of `b`.
  explicit slice(bytes b)
      : owner_(std::make_shared<const bytes>(std::move(b))), view_(owner_->data(), owner_->size()) {
  }
  // `view` must lie within `*owner`. Shared because many envelopes lie in one received frame.
  slice(std::shared_ptr<const bytes> owner, byte_view view)
      : owner_(std::move(owner)), view_(view) {}

  static slice copy_of(byte_view b) { return slice(to_bytes(b)); }

  const std::uint8_t* data() const { return view_.data(); }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  byte_view view() const { return view_; }
  operator byte_view() const { return view_; }
  slice part(std::size_t offset, std::size_t count) const {
    return {owner_, view_.subspan(offset, count)};
  }

private:
  std::shared_ptr<const bytes> owner_;
  byte_view view_;
};

std::string to_hex(byte_view b);
// Lower or upper case; malformed: "bad_hex".
result<bytes> from_hex(std::string_view text);

// Big-endian, so that stored numbers sort as they count.
inline void put_u16(bytes& out, std::uint16_t v) {
  out.push_back(std::uint8_t(v >> 8));
  out.push_back(std::uint8_t(v));
}
inline void put_u32(bytes& out, std::uint32_t v) {
  for (int s = 24; s >= 0; s -= 8) out.push_back(std::uint8_t(v >> s));
}
inline void put_u64(bytes& out, std::uint64_t v) {
  for (int s = 56; s >= 0; s -= 8) out.push_back(std::uint8_t(v >> s));
}
inline std::uint16_t get_u16(const std::uint8_t* p) { return std::uint16_t(p[0] << 8 | p[1]); }
inline std::uint32_t get_u32(const std::uint8_t* p) {
  return std::uint32_t(p[0]) << 24 | std::uint32_t(p[1]) << 16 | std::uint32_t(p[2]) << 8 | p[3];
}
inline std::uint64_t get_u64(const std::uint8_t* p) {
  return std::uint64_t(get_u32(p)) << 32 | get_u32(p + 4);
}

// Unsigned LEB128, at most 9 bytes (63 bits), as in the multiformats "unsigned-varint"
// specification.
void put_varint(bytes& out, std::uint64_t v);

// Reads forward through bytes from outside: every read checks what is left, and once one failed all
// later ones do.
class byte_reader {
public:
  explicit byte_reader(byte_view b) : rest_(b) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  byte_view rest() const { return rest_; }
  std::size_t left() const { return rest_.size(); }

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  // Fails on more than 9 bytes and on an encoding that is not minimal.
  std::uint64_t varint();
  byte_view take(std::size_t count);
  // A varint length, then that many bytes; fails past `size_max`.
  byte_view prefixed(std::size_t size_max);
  void fail() { ok_ = false, rest_ = {}; }

private:
  byte_view rest_;
  bool ok_ = true;
};

} // namespace kith
