// The one table of everything that can be configured. A new setting is one line in keys.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kith::config {

enum class value_type : unsigned char { text, integer, boolean, list };

std::string_view to_string(value_type t);

struct known_key {
  std::string_view name; // "link.listen"
  value_type type = value_type::text;
  std::string_view fallback;     // as it is written in a variable or flag
  std::string_view doc;          // one line
  std::int64_t min = 0, max = 0; // of an integer, both included
  std::string_view choices = {}; // of a text, separated by '|'; empty: any

  // "KITH_LINK_LISTEN".
  std::string env_name() const;
};

// Sorted by their place in the documentation, not by name.
std::span<const known_key> known_keys();
const known_key* find_key(std::string_view name);
// The known key with the smallest edit distance to `name`.
const known_key& nearest_key(std::string_view name);
// The known variable nearest to `name`.
std::string nearest_env_name(std::string_view name);

} // namespace kith::config
