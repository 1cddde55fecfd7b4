// A node's settings: the defaults, overridden by one TOML file, overridden by KITH_* variables,
// overridden by flags. What nobody knows is an error that names the nearest known key, so that a
// typing error never goes unnoticed.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"
#include "runtime/config/keys.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace kith::config {

using named_text = std::pair<std::string, std::string>;

// One setting as it is in effect.
struct effective {
  std::string name;
  std::string value;  // as it would be written in TOML: "text", 5, true, ["a", "b"]
  std::string origin; // "default", "kith.toml line 3", "KITH_LINK_LISTEN" or "--link.listen"
  std::string doc;
};

struct sources {
  std::optional<std::filesystem::path> file; // named but missing: an error
  std::vector<named_text> environment;       // see read_environment
  std::vector<named_text> flags; // by key name: {"link.listen", "..."}; the last one wins
};

// The KITH_* variables among `environ`'s "NAME=value" entries, which a main function passes in;
// null: none.
std::vector<named_text> read_environment(const char* const* variables);

// A value. Read-only once loaded; copies are independent. Asking for a key that is not in the
// table, or by another type than the table's, is a defect and ends the process.
class settings {
public:
  static constexpr std::size_t file_size_max = 1 << 20;
  static constexpr std::size_t text_size_max = 4096; // one value, one element of a list
  static constexpr std::size_t list_count_max = 1000;
  static constexpr std::size_t line_dots_max = 1000; // of a TOML file: bounds how deep tables nest

  // All defaults.
  settings();

  // Errors, each a sentence: invalid "unknown_key" (names the key, where it stands and the nearest
  // known one), "bad_value" (what was expected), "bad_toml" (where); not_found "config_missing";
  // too_large "config_too_large"; io "config_unreadable".
  static result<settings> load(const sources& from);
  // The file part alone; `name` is what errors call it. Any bytes give a result.
  result<> apply_toml(std::string_view bytes, const std::string& name);
  result<> apply_environment(const std::vector<named_text>& variables);
  result<> apply_flags(const std::vector<named_text>& flags);

  const std::string& text(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;
  bool boolean(std::string_view key) const;
  const std::vector<std::string>& list(std::string_view key) const;
  // Of an integer in milliseconds: "shutdown.deadline_ms".
  duration milliseconds(std::string_view key) const;

  // Where the value in effect comes from, as in effective::origin.
  const std::string& origin(std::string_view key) const;
  // Every key in the table's order.
  std::vector<effective> dump() const;

private:
  using value = std::variant<std::string, std::int64_t, bool, std::vector<std::string>>;
  struct entry {
    value current;
    std::string origin;
  };
  friend struct toml_reader;

  const entry& at(std::string_view key) const;
  result<> set(const known_key& key, value v, const std::string& origin);
  // From a variable or flag: lists are separated by commas.
  result<> set_text(const known_key& key, std::string_view text, const std::string& origin);

  std::map<std::string, entry, std::less<>> entries_; // every known key
};

} // namespace kith::config
