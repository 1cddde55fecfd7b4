// What counts as text in anything that comes from outside: it ends up in logs, in JSON and on
// terminals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kith {

// Valid UTF-8 (RFC 3629: shortest form, no surrogates) without control characters (below 0x20, and
// 0x7f).
bool is_text(std::string_view s);
// Valid UTF-8, with any control characters: a payload that can stand in JSON.
bool is_utf8(std::string_view s);
// Printable ASCII without spaces: what DIDs are made of.
bool is_graphic_ascii(std::string_view s);
// Makes text of at most `size_max` bytes out of anything: control characters become spaces, what is
// not UTF-8 becomes question marks, and the rest is cut at a character's boundary.
std::string clean_text(std::string_view s, std::size_t size_max);

} // namespace kith
