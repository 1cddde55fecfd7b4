// Both formats are written by runtime/observe/log_line.cpp.
#include "tools/kith/log_text.hpp"
#include "tools/kith/json_members.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t time_size = 24; // "2026-11-21T08:47:10.123Z"
constexpr std::size_t level_size = 5; // "WARN "

bool is_time(std::string_view s) {
  constexpr std::string_view shape = "0000-00-00T00:00:00.000Z";
  return s.size() == time_size && std::equal(s.begin(), s.end(), shape.begin(), [](char c, char f) {
           return f == '0' ? c >= '0' && c <= '9' : c == f;
         });
}

int level_named(std::string_view name) {
  const auto found = std::find(std::begin(log_levels), std::end(log_levels), name);
  return found == std::end(log_levels) ? -1 : int(found - std::begin(log_levels));
}

// "WARN " of the text format.
int level_shown(std::string_view shown) {
  std::string name(shown.substr(0, shown.find(' ')));
  for (auto& c : name) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : '?';
  return level_named(name);
}

std::optional<json::object> json_of(std::string_view raw) {
  if (!raw.starts_with("{")) return std::nullopt;
  boost::system::error_code ec;
  auto value = json::parse(raw, ec);
  if (ec || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

// The text format of a line that was logged as JSON.
std::string as_text(const json::object& o, const std::string& time, int level) {
  std::string shown(log_levels[std::size_t(level)]);
  for (auto& c : shown) c = char(c - 'a' + 'A');
  shown.resize(level_size, ' ');
  auto out = time + " " + shown + " " + text_at(o, "component") + ": " + text_at(o, "message");
  for (const auto& [key, value] : o) {
    if (key == "time" || key == "level" || key == "component" || key == "message") continue;
    out += " " + std::string(key) + "=" + (value.is_string() ? text_at(o, key) : json_text(value));
  }
  return out;
}

} // namespace

log_line parse_log_line(std::string_view raw) {
  log_line line;
  line.raw = line.text = raw;
  const auto behind_level = time_size + 1 + level_size;
  if (raw.size() > behind_level && is_time(raw.substr(0, time_size)) && raw[time_size] == ' ' &&
      raw[behind_level] == ' ') {
    line.level = level_shown(raw.substr(time_size + 1, level_size));
    if (line.level >= 0) line.time = raw.substr(0, time_size);
  } else if (const auto o = json_of(raw)) {
    const auto time = text_at(*o, "time");
    const auto level = level_named(text_at(*o, "level"));
    if (is_time(time) && level >= 0) {
      line.time = time;
      line.level = level;
      line.text = as_text(*o, time, level);
    }
  }
  line.order = line.time;
  return line;
}

json::object log_document(const log_line& line) {
  json::object out{{"node", line.node}};
  if (const auto o = json_of(line.raw); o && line.level >= 0) {
    for (const auto& [key, value] : *o) out.insert_or_assign(key == "node" ? "node_" : key, value);
    return out;
  }
  std::string_view rest = line.raw;
  if (line.level >= 0) {
    out["time"] = line.time;
    out["level"] = log_levels[std::size_t(line.level)];
    rest.remove_prefix(time_size + 1 + level_size + 1);
    if (const auto colon = rest.find(": "); colon != rest.npos) {
      out["component"] = rest.substr(0, colon);
      rest.remove_prefix(colon + 2);
    }
  }
  out["message"] = rest;
  return out;
}

bool log_filter::passes(const log_line& line) const {
  if (line.level >= 0 && line.level < level_min) return false;
  return contains.empty() || line.raw.find(contains) != line.raw.npos;
}

} // namespace kith::cli
