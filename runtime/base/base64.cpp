// Base64, RFC 4648 section 4.
#include "runtime/base/base64.hpp"

namespace kith {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& v : values) v = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[std::uint8_t(alphabet[i])] = std::int8_t(i);
  return values;
}
constexpr auto values = make_values();

} // namespace

std::string to_base64(byte_view b) {
  std::string out;
  out.reserve((b.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < b.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, b.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? b[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out.push_back(k <= count ? alphabet[group >> (18 - 6 * k) & 63] : '=');
  }
  return out;
}

result<std::string> from_base64(std::string_view text) {
  const auto bad = [] { return fail(errc::malformed, "bad_base64", "this is not base64"); };
  if (text.size() % 4 != 0) return bad();
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::size_t digits = text.size() - padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int held = 0; // bits in `bits` that are not out yet
  for (std::size_t i = 0; i < digits; ++i) {
    const int v = values[std::uint8_t(text[i])];
    if (v < 0) return bad();
    bits = bits << 6 | std::uint32_t(v);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(char(bits >> held));
      bits &= (1u << held) - 1;
    }
  }
  if (bits != 0) return bad();
  return out;
}

} // namespace kith
