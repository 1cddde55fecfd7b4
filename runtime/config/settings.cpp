// Settings from variables and flags, and how they are asked for. The file is read in toml_file.cpp.
#include "runtime/config/settings.hpp"
#include "runtime/config/errors.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace kith::config {
namespace {

[[noreturn]] void no_such_setting(std::string_view key, const char* why) {
  std::fprintf(stderr, "kith: a defect: setting %.*s %s\n", int(key.size()), key.data(), why);
  std::abort();
}

bool is_choice(std::string_view choices, std::string_view text) {
  for (;;) {
    const auto bar = choices.find('|');
    if (choices.substr(0, bar) == text) return true;
    if (bar == choices.npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

std::string toml_text(std::string_view s) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : s) {
    const auto b = std::uint8_t(c);
    if (b < 0x20 || b == 0x7f) {
      out += {'\\', 'u', '0', '0', digits[b >> 4], digits[b & 15]};
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

} // namespace

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, shown_size_max))
    out += std::uint8_t(c) < 0x20 || c == 0x7f ? '?' : c;
  return text.size() > shown_size_max ? out + "..." : out;
}

tl::unexpected<error> unknown_key(std::string_view name, const std::string& where,
                                  std::string_view nearest) {
  return fail(errc::invalid, "unknown_key",
              "unknown key " + shown(name) + " in " + where + "; did you mean " +
                  std::string(nearest) + "?");
}

tl::unexpected<error> bad_value(const known_key& key, std::string_view got,
                                const std::string& where) {
  std::string expected(to_string(key.type));
  if (key.type == value_type::integer)
    expected += " from " + std::to_string(key.min) + " to " + std::to_string(key.max);
  if (!key.choices.empty()) expected = "one of " + std::string(key.choices);
  return fail(errc::invalid, "bad_value",
              std::string(key.name) + " in " + where + " must be " + expected + ", not " +
                  shown(got));
}

std::vector<named_text> read_environment(const char* const* variables) {
  std::vector<named_text> out;
  for (; variables && *variables; ++variables) {
    const std::string_view one = *variables;
    const auto equals = one.find('=');
    if (one.starts_with("KITH_") && equals != one.npos)
      out.emplace_back(one.substr(0, equals), one.substr(equals + 1));
  }
  return out;
}

settings::settings() {
  for (const known_key& key : known_keys())
    if (const auto ok = set_text(key, key.fallback, "default"); !ok)
      no_such_setting(key.name, "has a default that is none");
}

result<settings> settings::load(const sources& from) {
  settings out;
  if (from.file) {
    const std::string name = from.file->filename().string();
    std::error_code ec;
    if (!std::filesystem::exists(*from.file, ec))
      return fail(errc::not_found, "config_missing",
                  "there is no configuration file " + from.file->string());
    std::ifstream in(*from.file, std::ios::binary);
    std::string bytes(file_size_max + 1, '\0');
    in.read(bytes.data(), std::streamsize(bytes.size()));
    if (in.bad() || (!in.eof() && in.fail()))
      return fail(errc::io, "config_unreadable", "cannot read " + from.file->string());
    bytes.resize(std::size_t(in.gcount()));
    KITH_TRY(out.apply_toml(bytes, name));
  }
  KITH_TRY(out.apply_environment(from.environment));
  KITH_TRY(out.apply_flags(from.flags));
  return out;
}

result<> settings::apply_environment(const std::vector<named_text>& variables) {
  for (const auto& [name, text] : variables) {
    const auto known = std::ranges::find(known_keys(), name, &known_key::env_name);
    if (known == known_keys().end())
      return unknown_key(name, "the environment", nearest_env_name(name));
    KITH_TRY(set_text(*known, text, name));
  }
  return {};
}

result<> settings::apply_flags(const std::vector<named_text>& flags) {
  for (const auto& [name, text] : flags) {
    const known_key* known = find_key(name);
    if (!known) return unknown_key(name, "the flags", nearest_key(name).name);
    KITH_TRY(set_text(*known, text, "--" + name));
  }
  return {};
}

result<> settings::set(const known_key& key, value v, const std::string& origin) {
  if (const auto* text = std::get_if<std::string>(&v)) {
    if (text->size() > text_size_max || text->find('\0') != text->npos ||
        (!key.choices.empty() && !is_choice(key.choices, *text)))
      return bad_value(key, *text, origin);
  } else if (const auto* number = std::get_if<std::int64_t>(&v)) {
    if (*number < key.min || *number > key.max)
      return bad_value(key, std::to_string(*number), origin);
  } else if (const auto* all = std::get_if<std::vector<std::string>>(&v)) {
    if (all->size() > list_count_max)
      return bad_value(key, std::to_string(all->size()) + " elements", origin);
    for (const std::string& one : *all)
      if (one.empty() || one.size() > text_size_max || one.find('\0') != one.npos)
        return bad_value(key, "one with the element \"" + shown(one) + "\"", origin);
  }
  entries_.insert_or_assign(std::string(key.name), entry{std::move(v), origin});
  return {};
}

result<> settings::set_text(const known_key& key, std::string_view text,
                            const std::string& origin) {
  switch (key.type) {
  case value_type::text: return set(key, std::string(text), origin);
  case value_type::boolean:
    if (text != "true" && text != "false") return bad_value(key, text, origin);
    return set(key, text == "true", origin);
  case value_type::integer: {
    std::int64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || end != text.data() + text.size()) return bad_value(key, text, origin);
    return set(key, number, origin);
  }
  case value_type::list: break;
  }
  std::vector<std::string> all;
  if (trimmed(text).empty()) return set(key, std::move(all), origin);
  for (;;) {
    const auto comma = text.find(',');
    all.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == text.npos || all.size() > list_count_max) break;
    text.remove_prefix(comma + 1);
  }
  return set(key, std::move(all), origin);
}

const settings::entry& settings::at(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) no_such_setting(key, "does not exist");
  return found->second;
}

const std::string& settings::text(std::string_view key) const {
  const auto* v = std::get_if<std::string>(&at(key).current);
  if (!v) no_such_setting(key, "is not a text");
  return *v;
}

std::int64_t settings::integer(std::string_view key) const {
  const auto* v = std::get_if<std::int64_t>(&at(key).current);
  if (!v) no_such_setting(key, "is not an integer");
  return *v;
}

bool settings::boolean(std::string_view key) const {
  const auto* v = std::get_if<bool>(&at(key).current);
  if (!v) no_such_setting(key, "is not a boolean");
  return *v;
}

const std::vector<std::string>& settings::list(std::string_view key) const {
  const auto* v = std::get_if<std::vector<std::string>>(&at(key).current);
  if (!v) no_such_setting(key, "is not a list");
  return *v;
}

duration settings::milliseconds(std::string_view key) const {
  return std::chrono::milliseconds(integer(key));
}

const std::string& settings::origin(std::string_view key) const { return at(key).origin; }

std::vector<effective> settings::dump() const {
  std::vector<effective> out;
  for (const known_key& key : known_keys()) {
    const entry& e = at(key.name);
    std::string shown_value;
    if (const auto* text = std::get_if<std::string>(&e.current)) {
      shown_value = toml_text(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&e.current)) {
      shown_value = std::to_string(*number);
    } else if (const auto* yes = std::get_if<bool>(&e.current)) {
      shown_value = *yes ? "true" : "false";
    } else {
      for (const std::string& one : std::get<std::vector<std::string>>(e.current))
        shown_value += (shown_value.empty() ? "" : ", ") + toml_text(one);
      shown_value = "[" + shown_value + "]";
    }
    out.push_back({std::string(key.name), std::move(shown_value), e.origin, std::string(key.doc)});
  }
  return out;
}

} // namespace kith::config
