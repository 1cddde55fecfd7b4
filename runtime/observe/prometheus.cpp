#include "runtime/observe/prometheus.hpp"

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

} // namespace

std::string prometheus_text(const std::vector<registry::sample>& samples) {
  std::string out;
  const std::string* last = nullptr;
  for (const auto& s : samples) {
    auto name = name_of(s.name, true);
    if (last == nullptr || *last != s.name)
      out += "# TYPE " + name + (s.is_counter ? " counter\n" : " gauge\n");
    last = &s.name;
    out += name;
    char before = '{';
    for (const auto& [label, value] : s.by) {
      out += before + name_of(label, false) + "=\"";
      append_value(out, value);
      out += '"';
      before = ',';
    }
    if (before == ',') out += '}';
    out += ' ' + std::to_string(s.value) + '\n';
  }
  return out;
}

} // namespace kith::observe
