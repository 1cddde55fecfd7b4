// Everything that is wrong with a node's settings, not just the first: what `kith config check` and
// `kith doctor` say.
#pragma once

#include "runtime/config/settings.hpp"

namespace kith::cli {

inline constexpr std::size_t config_problems_max = 100; // of one source; the rest is not looked for

// Of the bytes of a settings file. Those that can be used are set in `into`. What is no TOML ends
// the search: nothing behind it has a meaning. Of several in one inline table the first is found.
std::vector<error> problems_of_file(std::string bytes, const std::string& name,
                                    config::settings& into);
// Of KITH_* variables, each by itself.
std::vector<error> problems_of_variables(const std::vector<config::named_text>& variables,
                                         config::settings& into);
// Values that are of the right type, but that a node would not start with: addresses, URLs, DIDs,
// and what goes together. Nothing outside of the settings is looked at.
std::vector<error> problems_of_values(const config::settings& all);

} // namespace kith::cli
