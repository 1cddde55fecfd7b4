// How a log line is written. Values come from anywhere, peers included: whatever they hold, a line
// stays one line, a terminal is not driven by it, and JSON stays JSON.
#include "runtime/observe/log_line.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

namespace kith::observe {
namespace {

// "2026-11-21T08:47:10.123Z".
std::string time_text(wall_ms at) {
  const std::time_t seconds = std::time_t(at / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char out[40];
  const std::size_t size = std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%S", &parts);
  char rest[8] = {'.', char('0' + at / 100 % 10), char('0' + at / 10 % 10), char('0' + at % 10),
                  'Z'};
  return std::string(out, size) + rest;
}

// The size of the UTF-8 sequence that `s` begins with (RFC 3629), or 0 if it begins with none.
std::size_t sequence_size(std::string_view s) {
  const auto at = [&](std::size_t i) { return i < s.size() ? std::uint8_t(s[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned a = at(0), b = at(1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf && follows(1)) return 2;
  if (a >= 0xe0 && a <= 0xef && follows(1) && follows(2))
    return (a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) ? 0 : 3;
  if (a >= 0xf0 && a <= 0xf4 && follows(1) && follows(2) && follows(3))
    return (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f) ? 0 : 4;
  return 0;
}

// Appends `s`, cut at its limit, with everything escaped that could end the line, the string or the
// terminal's peace: C0, DEL, and C1 (which are two bytes in UTF-8).
void put_escaped(std::string& out, std::string_view s) {
  const std::size_t end = std::min(s.size(), log_hub::value_size_max);
  std::size_t i = 0;
  while (i < end) {
    const std::size_t size = sequence_size(s.substr(i));
    const auto c = std::uint8_t(s[i]);
    const bool c1 = size == 2 && c == 0xc2 && std::uint8_t(s[i + 1]) < 0xa0;
    if (size == 0) {
      out += "\xef\xbf\xbd"; // U+FFFD
      ++i;
    } else if (c < 0x20 || c == 0x7f || c1) {
      static constexpr char digits[] = "0123456789abcdef";
      const auto code = c1 ? std::uint8_t(s[i + 1]) : c;
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : "\\u00";
      if (c != '\n' && c != '\t' && c != '\r') out += {digits[code >> 4], digits[code & 15]};
      i += size;
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out.append(s, i, size);
      i += size;
    }
  }
  if (s.size() > end) out += "...";
}

void put_quoted(std::string& out, std::string_view s) {
  out += '"';
  put_escaped(out, s);
  out += '"';
}

bool is_plain(std::string_view s) {
  if (s.empty() || s.size() > log_hub::value_size_max) return false;
  for (const char c : s)
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') return false;
  return true;
}

template <class Number> void put_number(std::string& out, Number v) {
  std::array<char, 40> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), v).ptr;
  out.append(digits.data(), end);
}

void put_value(std::string& out, const field& f, bool json) {
  if (const auto* text = std::get_if<std::string_view>(&f.value)) {
    if (!json && is_plain(*text))
      out += *text;
    else
      put_quoted(out, *text);
  } else if (const auto* yes = std::get_if<bool>(&f.value)) {
    out += *yes ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&f.value)) {
    if (std::isfinite(*real))
      put_number(out, *real);
    else
      out += "null"; // JSON has no infinity
  } else if (const auto* number = std::get_if<std::int64_t>(&f.value)) {
    put_number(out, *number);
  } else {
    put_number(out, std::get<std::uint64_t>(f.value));
  }
}

bool is_reserved(std::string_view key) {
  return key == "time" || key == "level" || key == "component" || key == "message";
}

} // namespace

std::string text_line(const log_entry& entry, bool colour) {
  static constexpr std::array<std::string_view, 5> names = {"TRACE", "DEBUG", "INFO ", "WARN ",
                                                            "ERROR"};
  static constexpr std::array<std::string_view, 5> colours = {"\x1b[2m", "\x1b[36m", "\x1b[32m",
                                                              "\x1b[33m", "\x1b[31m"};
  const auto severity = std::min<std::size_t>(std::size_t(entry.severity), names.size() - 1);
  std::string out = time_text(entry.time);
  out += ' ';
  if (colour) out += colours[severity];
  out += names[severity];
  if (colour) out += "\x1b[0m";
  out += ' ';
  put_escaped(out, entry.component);
  out += ": ";
  put_escaped(out, entry.message);
  std::size_t count = 0;
  for (const field& f : entry.fields) {
    if (++count > log_hub::fields_max) break;
    out += ' ';
    put_escaped(out, f.key);
    out += '=';
    put_value(out, f, false);
  }
  return out;
}

std::string json_line(const log_entry& entry) {
  std::string out = "{\"time\":\"" + time_text(entry.time) + "\",\"level\":\"";
  out += to_string(entry.severity);
  out += "\",\"component\":";
  put_quoted(out, entry.component);
  out += ",\"message\":";
  put_quoted(out, entry.message);
  std::size_t count = 0;
  for (const field& f : entry.fields) {
    if (++count > log_hub::fields_max) break;
    out += ",\"";
    put_escaped(out, f.key);
    if (is_reserved(f.key)) out += '_'; // a key twice would hide one of them
    out += "\":";
    put_value(out, f, true);
  }
  out += '}';
  return out;
}

} // namespace kith::observe
