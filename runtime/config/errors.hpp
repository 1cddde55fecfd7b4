// What is said about settings that cannot be. For this folder only.
#pragma once

#include "runtime/base/result.hpp"
#include "runtime/config/keys.hpp"

namespace kith::config {

constexpr std::size_t shown_size_max = 100;

// `text` from outside, fit for a message: cut, and without control characters.
std::string shown(std::string_view text);
tl::unexpected<error> unknown_key(std::string_view name, const std::string& where,
                                  std::string_view nearest);
tl::unexpected<error> bad_value(const known_key& key, std::string_view got,
                                const std::string& where);

} // namespace kith::config
