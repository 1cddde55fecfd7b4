#include "runtime/stream/text.hpp"

#include <algorithm>
#include <cstdint>

namespace kith {

// The size of the UTF-8 character that begins at `i`, or 0 if none does.
static std::size_t character_size(std::string_view s, std::size_t i) {
  auto at = [&](std::size_t k) { return std::uint8_t(s[k]); };
  auto lead = at(i);
  if (lead < 0x80) return 1;
  std::size_t n = lead >= 0xc2 && lead <= 0xdf   ? 2
                  : (lead & 0xf0) == 0xe0        ? 3
                  : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                 : 0;
  if (n == 0 || i + n > s.size()) return 0;
  for (std::size_t k = 1; k < n; ++k)
    if ((at(i + k) & 0xc0) != 0x80) return 0;
  auto second = at(i + 1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90))
    return 0; // not the shortest form
  if ((lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f))
    return 0; // surrogate, or past U+10FFFF
  return n;
}

static bool is_control(char c) { return std::uint8_t(c) < 0x20 || c == 0x7f; }

bool is_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    auto n = character_size(s, i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

bool is_text(std::string_view s) {
  return std::none_of(s.begin(), s.end(), is_control) && is_utf8(s);
}

bool is_graphic_ascii(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string clean_text(std::string_view s, std::size_t size_max) {
  std::string out;
  out.reserve(std::min(s.size(), size_max));
  for (std::size_t i = 0; i < s.size();) {
    auto n = character_size(s, i);
    if (out.size() + std::max<std::size_t>(n, 1) > size_max) break;
    if (n == 0)
      out.push_back('?');
    else if (is_control(s[i]))
      out.push_back(' ');
    else
      out.append(s.substr(i, n));
    i += std::max<std::size_t>(n, 1);
  }
  return out;
}

} // namespace kith
