// Long division in base 2^8 and base 58. Leading zero bytes and leading '1's stand for each other,
// one for one.
#include "runtime/crypto/base58.hpp"

#include <algorithm>

namespace kith::crypto {
namespace {

constexpr std::string_view alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

// The digit of each character, or -1.
constexpr std::array<std::int8_t, 256> digits = [] {
  std::array<std::int8_t, 256> table{};
  for (auto& d : table) d = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[std::uint8_t(alphabet[i])] = std::int8_t(i);
  return table;
}();

// number = number * from + carry, on little-endian digits of base `to`.
void push_digit(bytes& number, unsigned carry, unsigned from, unsigned to) {
  for (auto& digit : number) {
    carry += digit * from;
    digit = std::uint8_t(carry % to);
    carry /= to;
  }
  for (; carry > 0; carry /= to) number.push_back(std::uint8_t(carry % to));
}

} // namespace

result<std::string> base58btc_encode(byte_view b) {
  if (b.size() > base58_bytes_max)
    return fail(errc::too_large, "base58_too_long", "more than 256 bytes for base58");
  auto zeros =
      std::size_t(std::find_if(b.begin(), b.end(), [](auto v) { return v != 0; }) - b.begin());
  bytes number;
  for (auto byte : b.subspan(zeros)) push_digit(number, byte, 256, 58);
  std::string text(zeros, alphabet[0]);
  text.reserve(zeros + number.size());
  std::transform(number.rbegin(), number.rend(), std::back_inserter(text),
                 [](auto d) { return alphabet[d]; });
  return text;
}

result<bytes> base58btc_decode(std::string_view text) {
  if (text.size() > base58_text_max)
    return fail(errc::too_large, "base58_too_long", "more than 350 characters of base58");
  auto zeros = std::min(text.find_first_not_of(alphabet[0]), text.size());
  bytes number;
  for (auto c : text.substr(zeros)) {
    auto digit = digits[std::uint8_t(c)];
    if (digit < 0)
      return fail(errc::malformed, "bad_base58", "a character outside the base58btc alphabet");
    push_digit(number, unsigned(digit), 58, 256);
  }
  if (zeros + number.size() > base58_bytes_max)
    return fail(errc::too_large, "base58_too_long", "more than 256 bytes of base58");
  bytes out(zeros, 0);
  out.insert(out.end(), number.rbegin(), number.rend());
  return out;
}

} // namespace kith::crypto
