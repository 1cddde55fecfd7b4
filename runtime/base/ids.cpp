#include "runtime/base/ids.hpp"

namespace kith {

std::string uuid::text() const {
  auto hex = to_hex(octets);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

wall_ms uuid::created() const {
  return wall_ms(std::uint64_t(get_u32(octets.data())) << 16 | get_u16(octets.data() + 4));
}

result<uuid> uuid::parse(std::string_view text) {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return fail(errc::malformed, "bad_uuid", "expected 8-4-4-4-12 hexadecimal digits");
  std::string hex;
  for (char c : text)
    if (c != '-') hex.push_back(c);
  auto raw = from_hex(hex);
  if (!raw || raw->size() != 16) return fail(errc::malformed, "bad_uuid", "not hexadecimal");
  return from_bytes(*raw);
}

result<uuid> uuid::from_bytes(byte_view b) {
  if (b.size() != 16) return fail(errc::malformed, "bad_uuid", "expected 16 bytes");
  uuid u;
  std::memcpy(u.octets.data(), b.data(), 16);
  return u;
}

void uuid_generator::draw(std::uint8_t* out, std::size_t count, random_source& random) {
  if (pool_left_ < count) {
    random.fill(pool_);
    pool_left_ = pool_.size();
  }
  pool_left_ -= count;
  std::memcpy(out, pool_.data() + pool_left_, count);
}

uuid uuid_generator::next(wall_ms now, random_source& random) {
  static constexpr std::uint32_t counter_max = (1u << 26) - 1;
  if (now > last_ms_) {
    last_ms_ = now;
    counter_ = std::uint32_t(random.next()) & (counter_max >> 1); // leaves room to count up
  } else if (++counter_ > counter_max) {
    ++last_ms_; // borrow from the future rather than repeat
    counter_ = 0;
  }
  uuid u;
  draw(u.octets.data() + 10, 6, random);
  auto ms = std::uint64_t(last_ms_);
  for (int i = 0; i < 6; ++i) u.octets[std::size_t(i)] = std::uint8_t(ms >> (40 - 8 * i));
  u.octets[6] = std::uint8_t(0x70 | (counter_ >> 22));
  u.octets[7] = std::uint8_t(counter_ >> 14);
  u.octets[8] = std::uint8_t(0x80 | ((counter_ >> 8) & 0x3f));
  u.octets[9] = std::uint8_t(counter_);
  return u;
}

incarnation make_incarnation(random_source& random) {
  for (;;)
    if (auto v = random.next(); v != 0) return v;
}

} // namespace kith
