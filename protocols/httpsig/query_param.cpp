// One query parameter as it is signed (RFC 9421 section 2.2.8): decoded from
// application/x-www-form-urlencoded and encoded anew, because "+", "%20" and their like are the
// same to a form's reader (URL Standard section 5).
#include "protocols/httpsig/message.hpp"

#include <algorithm>

namespace kith::httpsig {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A "%" that no two hexadecimal digits follow stands for itself.
std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && text.size() - i > 2 ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += char(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// All but letters, digits and * - . _
std::string encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view kept = "*-._";
  std::string out;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kept.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[std::uint8_t(c) >> 4];
      out += digits[std::uint8_t(c) & 15];
    }
  }
  return out;
}

// How many bytes the character at the front has; 0 if it is not UTF-8 (RFC 3629 section 4).
std::size_t utf8_size(std::string_view s) {
  const auto at = [&](std::size_t i) { return i < s.size() ? std::uint8_t(s[i]) : 0u; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return at(i) >= low && at(i) <= high;
  };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;  // shorter forms exist below
    const unsigned high = first == 0xed ? 0x9f : 0xbf; // surrogates
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view s) {
  while (!s.empty()) {
    const auto size = utf8_size(s);
    if (size == 0) return false;
    s.remove_prefix(size);
  }
  return true;
}

} // namespace

result<std::string> query_param(const message_view& message, std::string_view name) {
  if (message.is_response())
    return fail(errc::unsupported, "bad_component", "a response has no query");
  auto rest = message.query.value_or(std::string_view());
  if (rest.size() > query_size_max)
    return fail(errc::too_large, "message_too_large",
                "the query has more than " + std::to_string(query_size_max) + " bytes");
  std::optional<std::string> found;
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto key = decode(pair.substr(0, equals));
    if (encode(key) != name) continue;
    const auto value =
        decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!is_utf8(key) || !is_utf8(value))
      return fail(errc::unsupported, "bad_component",
                  "the query parameter '" + shown(name) + "' is not UTF-8");
    if (found)
      return fail(errc::unsupported, "bad_component",
                  "the query parameter '" + shown(name) + "' stands more than once: sign @query");
    found = encode(value);
  }
  if (!found)
    return fail(errc::not_found, "field_missing",
                "the query has no parameter '" + shown(name) + "'");
  return *found;
}

} // namespace kith::httpsig
