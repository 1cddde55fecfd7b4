// How a log line is written, as text for people or as JSON for machines. For this folder only.
#pragma once

#include "runtime/observe/logger.hpp"

namespace kith::observe {

struct log_entry {
  wall_ms time = 0;
  level severity = level::info;
  std::string_view component, message;
  std::initializer_list<field> fields;
};

// Without a line feed at the end and with none inside; always valid UTF-8.
std::string text_line(const log_entry& entry, bool colour);
std::string json_line(const log_entry& entry);

} // namespace kith::observe
