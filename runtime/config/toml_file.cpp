// Settings from TOML v1.0.0 (https://toml.io/en/v1.0.0), by toml++, whose exceptions end here.
#include "runtime/config/errors.hpp"
#include "runtime/config/settings.hpp"

#include <algorithm>
#include <toml++/toml.h>

namespace kith::config {
namespace {

// toml++ 3.3 bounds nested arrays and inline tables but not dotted keys, and frees tables by
// recursion. No key spans lines, so this bounds the depth.
bool nests_too_deeply(std::string_view bytes) {
  std::size_t dots = 0;
  for (const char c : bytes) {
    if (c == '\n')
      dots = 0;
    else if (c == '.' && ++dots > settings::line_dots_max)
      return true;
  }
  return false;
}

std::string place(const std::string& file, const toml::source_region& at) {
  return file + " line " + std::to_string(at.begin.line);
}

std::string_view kind_of(const toml::node& n) {
  if (n.is_table()) return "a table";
  if (n.is_array()) return "an array";
  if (n.is_string()) return "a text";
  if (n.is_integer()) return "an integer";
  if (n.is_floating_point()) return "a number with a point";
  if (n.is_boolean()) return "a boolean";
  return "a date or time";
}

using members = std::vector<std::pair<const toml::key*, const toml::node*>>;

members in_file_order(const toml::table& t) {
  members all;
  for (const auto& [k, n] : t) all.emplace_back(&k, &n);
  std::ranges::stable_sort(all, {}, [](const auto& m) {
    const auto at = m.first->source().begin;
    return std::pair(at.line, at.column);
  });
  return all;
}

} // namespace

// Walks the tables of a file and sets what it finds.
struct toml_reader {
  settings& into;
  const std::string& file;

  // In the order of the file, so that the first mistake is the one that is reported.
  result<> table(const toml::table& t, const std::string& prefix) {
    for (const auto& [k, n] : in_file_order(t)) {
      const std::string name = prefix + std::string(k->str());
      const std::string where = place(file, k->source());
      if (const known_key* known = find_key(name)) {
        KITH_TRY(value(*known, *n, where));
      } else if (const auto* inner = n->as_table(); inner && holds_keys(name)) {
        KITH_TRY(table(*inner, name + "."));
      } else {
        return unknown(name, *n, where);
      }
    }
    return {};
  }

  static bool holds_keys(const std::string& name) {
    return std::ranges::any_of(known_keys(),
                               [&](const known_key& k) { return k.name.starts_with(name + "."); });
  }

  // An unknown table is named by its first key, which says more about what was meant.
  tl::unexpected<error> unknown(std::string name, const toml::node& n, std::string where) const {
    if (const auto* inner = n.as_table(); inner && !inner->empty()) {
      const toml::key& first = *in_file_order(*inner).front().first;
      name += "." + std::string(first.str());
      where = place(file, first.source());
    }
    return unknown_key(name, where, nearest_key(name).name);
  }

  result<> value(const known_key& key, const toml::node& n, const std::string& where) {
    switch (key.type) {
    case value_type::text:
      if (const auto* v = n.as_string()) return into.set(key, v->get(), where);
      break;
    case value_type::integer:
      if (const auto* v = n.as_integer()) return into.set(key, v->get(), where);
      break;
    case value_type::boolean:
      if (const auto* v = n.as_boolean()) return into.set(key, v->get(), where);
      break;
    case value_type::list:
      if (const auto* v = n.as_array()) return elements(key, *v, where);
      break;
    }
    return bad_value(key, kind_of(n), where);
  }

  result<> elements(const known_key& key, const toml::array& a, const std::string& where) {
    std::vector<std::string> all;
    for (const toml::node& n : a) {
      const auto* v = n.as_string();
      if (!v) return bad_value(key, "one with " + std::string(kind_of(n)), where);
      all.push_back(v->get());
    }
    return into.set(key, std::move(all), where);
  }
};

result<> settings::apply_toml(std::string_view bytes, const std::string& name) {
  if (bytes.size() > file_size_max)
    return fail(errc::too_large, "config_too_large",
                name + " has more than " + std::to_string(file_size_max) + " bytes");
  if (nests_too_deeply(bytes))
    return fail(errc::invalid, "bad_toml",
                name + " has a line with more than " + std::to_string(line_dots_max) + " dots");
  toml::table parsed;
  try {
    parsed = toml::parse(bytes, name);
  } catch (const toml::parse_error& e) {
    return fail(errc::invalid, "bad_toml", place(name, e.source()) + ": " + shown(e.description()));
  }
  // On a copy, so that a mistake changes nothing.
  settings changed = *this;
  KITH_TRY((toml_reader{changed, name}.table(parsed, "")));
  *this = std::move(changed);
  return {};
}

} // namespace kith::config
