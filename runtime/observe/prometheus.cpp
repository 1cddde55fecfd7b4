#include "runtime/observe/prometheus.hpp"

#include <charconv>
#include <utility>

namespace kith::observe {

namespace {

std::string name_of(std::string_view text, bool colons) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    char c = out[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool digit = i > 0 && c >= '0' && c <= '9';
    if (!letter && !digit && !(colons && c == ':')) out[i] = '_';
  }
  return out.empty() ? "_" : out;
}

void append_value(std::string& out, std::string_view text) {
  for (char c : text) {
    if (c == '\\' || c == '"')
      out += '\\', out += c;
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

std::string number(std::int64_t value, std::uint64_t per_unit) {
  if (per_unit == 1) return std::to_string(value);
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, double(value) / double(per_unit)).ptr;
  return {text, end};
}

void append_label(std::string& out, char before, std::string_view label, std::string_view value) {
  out += before + name_of(label, false) + "=\"";
  append_value(out, value);
  out += '"';
}

// One line; `le` is the bound of a bucket, or empty.
void append_line(std::string& out, const std::string& name, const labels& by, std::string_view le,
                 std::string_view value) {
  out += name;
  char before = '{';
  for (const auto& [label, text] : by) {
    append_label(out, before, label, text);
    before = ',';
  }
  if (!le.empty()) append_label(out, std::exchange(before, ','), "le", le);
  if (before == ',') out += '}';
  out += ' ';
  out += value;
  out += '\n';
}

void append_histogram(std::string& out, const std::string& name, const registry::sample& s) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < s.bounds.size(); ++i) {
    sum += s.counts[i];
    append_line(out, name + "_bucket", s.by, number(std::int64_t(s.bounds[i]), s.per_unit),
                std::to_string(sum));
  }
  sum += s.counts[s.bounds.size()];
  append_line(out, name + "_bucket", s.by, "+Inf", std::to_string(sum));
  append_line(out, name + "_sum", s.by, {}, number(s.value, s.per_unit));
  append_line(out, name + "_count", s.by, {}, std::to_string(sum));
}

constexpr std::string_view type_names[] = {"counter", "gauge", "histogram"};

} // namespace

std::string prometheus_text(const std::vector<registry::sample>& samples) {
  std::string out;
  const std::string* last = nullptr;
  for (const auto& s : samples) {
    auto name = name_of(s.name, true);
    if (last == nullptr || *last != s.name) {
      out += "# TYPE " + name + ' ';
      out += type_names[std::size_t(s.kind)];
      out += '\n';
    }
    last = &s.name;
    if (s.kind == registry::kind::histogram)
      append_histogram(out, name, s);
    else
      append_line(out, name, s.by, {}, number(s.value, s.per_unit));
  }
  return out;
}

} // namespace kith::observe
