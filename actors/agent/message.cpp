// Reading payloads by their media type.
#include <kith/message.hpp>

namespace kith {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

bool same(std::string_view a, std::string_view lower_case) {
  if (a.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower_case[i]) return false;
  return true;
}

// Without parameters: "application/json; charset=utf-8" is application/json (RFC 9110
// section 8.3.1).
std::string_view bare(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && content_type.back() == ' ') content_type.remove_suffix(1);
  return content_type;
}

bool is_json(std::string_view content_type) {
  if (content_type == json_type) return true;
  auto type = bare(content_type);
  constexpr std::string_view suffix = "+json"; // RFC 6839 section 3.1
  return same(type, json_type) ||
         (type.size() > suffix.size() && same(type.substr(type.size() - suffix.size()), suffix));
}

bool is_text(std::string_view content_type) {
  return content_type == text_type || content_type.empty() || same(bare(content_type), text_type);
}

} // namespace

bool payload_view::read_text(std::string& v, decode_error& why) const {
  if (is_text(content_type_)) return v.assign(text()), true;
  if (!is_json(content_type_)) return why.fail("text");
  json parsed;
  return read_json(parsed, why) && json_codec<std::string>::read(parsed, v, why);
}

bool payload_view::read_json(json& v, decode_error& why) const {
  if (!is_json(content_type_)) return why.fail("application/json");
  auto parsed = json::parse(text());
  if (!parsed) return why.fail("JSON: " + parsed.error().context);
  return v = std::move(*parsed), true;
}

std::string_view to_string(ask_status s) {
  switch (s) {
  case ask_status::ok: return "ok";
  case ask_status::refused: return "refused";
  case ask_status::expired: return "expired";
  case ask_status::dead: return "dead";
  case ask_status::timeout: return "timeout";
  }
  return "unknown";
}

} // namespace kith
