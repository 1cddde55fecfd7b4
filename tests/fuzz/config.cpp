// Any text as a configuration file, or, if it begins with "--", as flags, one a line: it is taken
// whole or refused with a clear error and changes nothing. What was taken lies within the table's
// limits, and its dump is TOML that means the same.
#include "runtime/config/settings.hpp"

#include <algorithm>
#include <cstdlib>

using namespace kith;
using namespace kith::config;

namespace {

constexpr std::size_t context_size_max = 1024; // of an error: names, places and values are cut

result<> take(settings& into, std::string_view text) {
  if (!text.starts_with("--")) return into.apply_toml(text, "kith.toml");
  std::vector<named_text> flags;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("--")) line.remove_prefix(2);
    const auto equals = std::min(line.find('='), line.size());
    flags.emplace_back(line.substr(0, equals), line.substr(std::min(equals + 1, line.size())));
  }
  return into.apply_flags(flags);
}

std::string dumped(const settings& s) {
  std::string out;
  for (const effective& e : s.dump()) out += e.name + " = " + e.value + "\n";
  return out;
}

void check_error(const error& e) {
  static constexpr std::string_view codes[] = {"unknown_key", "bad_value", "bad_toml",
                                               "config_too_large"};
  if (std::ranges::find(codes, e.code) == std::end(codes)) std::abort();
  if (e.context.empty() || e.context.size() > context_size_max) std::abort();
  for (const char c : e.context)
    if (std::uint8_t(c) < 0x20 || c == 0x7f) std::abort();
}

bool fits(const std::string& text) {
  return text.size() <= settings::text_size_max && text.find('\0') == text.npos;
}

void check_values(const settings& s) {
  for (const known_key& k : known_keys()) {
    if (k.type == value_type::text && !fits(s.text(k.name))) std::abort();
    if (k.type == value_type::integer) {
      const auto n = s.integer(k.name);
      if (n < k.min || n > k.max) std::abort();
    }
    if (k.type != value_type::list) continue;
    const auto& all = s.list(k.name);
    if (all.size() > settings::list_count_max || !std::ranges::all_of(all, fits)) std::abort();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::string defaults = dumped(settings());
  settings s;
  if (const auto taken = take(s, text); !taken) {
    check_error(taken.error());
    // A file counts whole or not at all; flags before the wrong one have been taken.
    if (!text.starts_with("--") && dumped(s) != defaults) std::abort();
    return 0;
  }
  check_values(s);
  // A flag's text need not be UTF-8, which TOML is.
  settings again;
  const auto written = dumped(s);
  if (!again.apply_toml(written, "again")) {
    if (text.starts_with("--")) return 0;
    std::abort();
  }
  if (dumped(again) != written) std::abort();
  return 0;
}
