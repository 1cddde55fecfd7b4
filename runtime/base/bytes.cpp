#include "runtime/base/bytes.hpp"

namespace kith {

std::string to_hex(byte_view b) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(b.size() * 2);
  for (auto x : b) {
    out.push_back(digits[x >> 4]);
    out.push_back(digits[x & 15]);
  }
  return out;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

result<bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail(errc::malformed, "bad_hex", "odd number of digits");
  bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int hi = hex_value(text[i]), lo = hex_value(text[i + 1]);
    if (hi < 0 || lo < 0) return fail(errc::malformed, "bad_hex", "not a hexadecimal digit");
    out.push_back(std::uint8_t(hi << 4 | lo));
  }
  return out;
}

void put_varint(bytes& out, std::uint64_t v) {
  while (v >= 0x80) {
    out.push_back(std::uint8_t(v) | 0x80);
    v >>= 7;
  }
  out.push_back(std::uint8_t(v));
}

byte_view byte_reader::take(std::size_t count) {
  if (!ok_ || count > rest_.size()) {
    fail();
    return {};
  }
  auto out = rest_.first(count);
  rest_ = rest_.subspan(count);
  return out;
}

std::uint8_t byte_reader::u8() {
  auto b = take(1);
  return ok_ ? b[0] : 0;
}
std::uint16_t byte_reader::u16() {
  auto b = take(2);
  return ok_ ? get_u16(b.data()) : 0;
}
std::uint32_t byte_reader::u32() {
  auto b = take(4);
  return ok_ ? get_u32(b.data()) : 0;
}
std::uint64_t byte_reader::u64() {
  auto b = take(8);
  return ok_ ? get_u64(b.data()) : 0;
}

std::uint64_t byte_reader::varint() {
  std::uint64_t v = 0;
  for (int i = 0; i < 9; ++i) {
    auto b = u8();
    if (!ok_) return 0;
    v |= std::uint64_t(b & 0x7f) << (7 * i);
    if ((b & 0x80) == 0) {
      if (b == 0 && i > 0) fail(); // not the shortest form
      return ok_ ? v : 0;
    }
  }
  fail();
  return 0;
}

byte_view byte_reader::prefixed(std::size_t size_max) {
  auto n = varint();
  if (n > size_max) fail();
  return take(ok_ ? std::size_t(n) : 0);
}

} // namespace kith
