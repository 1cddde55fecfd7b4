// Values to JSON text.
#include <charconv>
#include <cmath>
#include <kith/json_writer.hpp>

namespace kith {
namespace {

// The size of the UTF-8 sequence that `v` begins with (Unicode 15, table 3-7), 0 if it is none.
std::size_t utf8_size(std::string_view v) {
  auto byte = [&](std::size_t i) { return i < v.size() ? (unsigned char)(v[i]) : 0u; };
  auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(i) >= low && byte(i) <= high;
  };
  unsigned first = byte(0);
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef)
    return follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && follows(2) ? 3
                                                                                              : 0;
  if (first >= 0xf0 && first <= 0xf4)
    return follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && follows(2) &&
                   follows(3)
               ? 4
               : 0;
  return 0;
}

void escape(std::string& out, unsigned char c) {
  switch (c) {
  case '"': out += "\\\""; return;
  case '\\': out += "\\\\"; return;
  case '\n': out += "\\n"; return;
  case '\r': out += "\\r"; return;
  case '\t': out += "\\t"; return;
  default:
    out += "\\u00";
    out += "0123456789abcdef"[c >> 4];
    out += "0123456789abcdef"[c & 15];
  }
}

} // namespace

void json_writer::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

void json_writer::open(char c) {
  if (++depth_ > json::depth_max) throw json_error("a value is nested too deep for JSON");
  separate();
  out_ += c;
  comma_ = false;
}

void json_writer::close(char c) {
  --depth_;
  out_ += c;
  comma_ = true;
}

void json_writer::quoted(std::string_view v) {
  out_ += '"';
  std::size_t begun = 0; // of what is copied as it is
  for (std::size_t i = 0; i < v.size();) {
    auto c = (unsigned char)(v[i]);
    if (c >= 0x80) {
      auto size = utf8_size(v.substr(i));
      if (size == 0) throw json_error("text is not UTF-8");
      i += size;
    } else if (c < 0x20 || c == '"' || c == '\\') {
      out_.append(v, begun, i - begun);
      escape(out_, c);
      begun = ++i;
    } else {
      ++i;
    }
  }
  out_.append(v, begun);
  out_ += '"';
}

void json_writer::key(std::string_view name) {
  separate();
  quoted(name);
  out_ += ':';
  comma_ = false;
}

void json_writer::null() { separate(), out_ += "null"; }
void json_writer::boolean(bool v) { separate(), out_ += v ? "true" : "false"; }
void json_writer::string(std::string_view v) { separate(), quoted(v); }

void json_writer::integer(std::int64_t v) {
  separate();
  char text[24];
  out_.append(text, std::to_chars(text, text + sizeof text, v).ptr);
}

void json_writer::positive(std::uint64_t v) {
  separate();
  char text[24];
  out_.append(text, std::to_chars(text, text + sizeof text, v).ptr);
}

void json_writer::real(double v) {
  if (!std::isfinite(v)) throw json_error("a number is not finite");
  separate();
  char text[32];
  std::string_view shortest(text,
                            std::size_t(std::to_chars(text, text + sizeof text, v).ptr - text));
  out_ += shortest;
  // So that it is a real number again when it is read.
  if (shortest.find_first_of(".e") == std::string_view::npos) out_ += ".0";
}

void json_writer::value(const json& v) {
  switch (v.type()) {
  case json::type::null: return null();
  case json::type::boolean: return boolean(v.as_bool());
  case json::type::integer: return integer(v.as_int());
  case json::type::positive: return positive(v.as_uint());
  case json::type::real: return real(v.as_double());
  case json::type::string: return string(v.as_string());
  case json::type::array:
    begin_array();
    for (std::size_t i = 0; i < v.size(); ++i) value(v.at(i));
    return end_array();
  case json::type::object:
    begin_object();
    for (std::size_t i = 0; i < v.size(); ++i) key(v.name_at(i)), value(v.at(i));
    return end_object();
  }
}

std::string json::dump() const {
  std::string out;
  json_writer(out).value(*this);
  return out;
}

} // namespace kith
