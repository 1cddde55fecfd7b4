// Structured Fields for HTTP (RFC 9651, of which RFC 8941 is the older edition): dictionaries,
// lists, inner lists and items with parameters, parsed strictly and written in their one canonical
// form. What signatures and digests stand in. Dates and display strings (new in RFC 9651) are
// refused: no field of ours has any.
#pragma once

#include "runtime/base/bytes.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kith::httpsig::sf {

struct token {
  std::string text;
  bool operator==(const token&) const = default;
};
// At most 12 digits before the point and 3 behind it, so thousandths are exact.
struct decimal {
  std::int64_t thousandths = 0;
  bool operator==(const decimal&) const = default;
};
// Boolean, Integer (at most 15 digits), Decimal, String (printable ASCII), Token, Byte Sequence.
using bare_item = std::variant<bool, std::int64_t, decimal, std::string, token, bytes>;

struct parameter {
  std::string key;
  bare_item value;
  bool operator==(const parameter&) const = default;
};
// In their order, which is kept: it is signed.
using parameters = std::vector<parameter>;
// nullptr if there is none.
const bare_item* find(const parameters& params, std::string_view key);

struct item {
  bare_item value;
  parameters params;
  bool operator==(const item&) const = default;
};
struct inner_list {
  std::vector<item> items;
  parameters params;
  bool operator==(const inner_list&) const = default;
};
using member = std::variant<item, inner_list>;
using list = std::vector<member>;
struct dictionary_member {
  std::string key;
  member value;
  bool operator==(const dictionary_member&) const = default;
};
using dictionary = std::vector<dictionary_member>;
const member* find(const dictionary& members, std::string_view key);

// What a value may have. The counts are those that RFC 9651 section 3 wants supported. Nesting
// needs no limit: the grammar ends at an inner list's items' parameters. Past any of them the value
// is refused with too_large "structured_field_too_large".
struct limits {
  std::size_t size_max = 64 << 10; // bytes of the whole value
  std::size_t members_max = 1024;  // of a list or dictionary
  std::size_t items_max = 256;     // of an inner list
  std::size_t params_max = 256;    // of an item or inner list
  std::size_t key_size_max = 64;   // bytes
  // A key that stands twice in a dictionary, or among parameters: the last one holds, at the place
  // of the first (section 4.2); false refuses it, for where two readers must not see different
  // values.
  bool duplicates_allowed = true;
};

// RFC 9651 section 4.2. Lines of a field that occurs more than once are to be joined by ", ". An
// empty text is an empty list or dictionary. malformed "bad_structured_field" with the place.
// Base64 has to have its padding and no stray bits (the section lets a parser be lenient there).
result<dictionary> parse_dictionary(std::string_view text, const limits& limits = {});
result<list> parse_list(std::string_view text, const limits& limits = {});
result<item> parse_item(std::string_view text, const limits& limits = {});

// RFC 9651 section 4.1. invalid "bad_structured_value" for what cannot be written: a key or token
// with a foreign character, a string that is not printable ASCII, a number with too many digits.
// Whatever was parsed can be written.
result<std::string> serialize(const bare_item& value);
result<std::string> serialize(const parameters& params);
result<std::string> serialize(const item& single);
result<std::string> serialize(const inner_list& inner);
result<std::string> serialize(const member& either);
result<std::string> serialize(const list& members);
result<std::string> serialize(const dictionary& members);

// The characters of the grammar, for both directions.
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
inline bool is_key_start(char c) { return is_lower(c) || c == '*'; }
inline bool is_key_char(char c) {
  return is_key_start(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}
// RFC 9110 section 5.6.2, what field names and methods are made of.
inline bool is_tchar(char c) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return is_alpha(c) || is_digit(c) || others.find(c) != std::string_view::npos;
}
inline bool is_token_start(char c) { return is_alpha(c) || c == '*'; }
inline bool is_token_char(char c) { return is_tchar(c) || c == ':' || c == '/'; }
inline bool is_printable(char c) { return c >= ' ' && c <= '~'; }

inline constexpr int integer_digits_max = 15;
inline constexpr int decimal_digits_max = 12; // before the point
inline constexpr int fraction_digits_max = 3;
inline constexpr std::int64_t integer_max = 999'999'999'999'999; // what 15 digits hold

} // namespace kith::httpsig::sf
