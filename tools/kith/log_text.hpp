// Lines of a node's log, in either of its formats (runtime/observe), and what else a process writes
// to the same file when it ends badly.
#pragma once

#include "tools/kith/json_fwd.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace kith::cli {

inline constexpr std::string_view log_levels[] = {"trace", "debug", "info", "warn", "error"};

struct log_line {
  std::string node;
  std::string time;  // "2026-11-21T08:47:10.123Z"; empty: in neither format
  int level = -1;    // of log_levels; -1: in neither format
  std::string text;  // as a person reads it, with the time
  std::string raw;   // as it stands in the file
  std::string order; // the time, or that of the line before in the same file: to merge files by
};

// Any bytes. What is in neither format has no level, and is its own text.
log_line parse_log_line(std::string_view raw);
// What --json prints of one: the line's own members if it is JSON; else node, time, level,
// component, message.
boost::json::object log_document(const log_line& line);

struct log_filter {
  int level_min = 0;    // of log_levels; what has no level always passes: it may be why a node died
  std::string contains; // empty: anything
  bool passes(const log_line& line) const;
};

} // namespace kith::cli
