#include "runtime/audit/audit_line.hpp"

#include "runtime/crypto/hash.hpp"

#include <charconv>
#include <kith/json.hpp>

namespace kith::audit {

namespace {

error bad(const char* why) { return {errc::malformed, "bad_audit_line", why}; }

// Printable ASCII and UTF-8 as it is; all else, and what would need to be escaped, as '?'.
std::string clean(std::string_view text) {
  std::string out(text.substr(0, value_size_max));
  for (auto& c : out)
    if (std::uint8_t(c) < 0x20 || c == 0x7f || c == '"' || c == '\\') c = '?';
  const auto valid = [](const std::string& s) { return json::parse("\"" + s + "\"").has_value(); };
  if (valid(out)) return out;
  for (auto& c : out)
    if (std::uint8_t(c) >= 0x80) c = '?';
  return out;
}

void put(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":\"";
  out += value;
  out += '"';
}

// Takes `text` from the front of `rest`.
bool take(std::string_view& rest, std::string_view text) {
  if (!rest.starts_with(text)) return false;
  rest.remove_prefix(text.size());
  return true;
}

// A number without leading zeros, at least `least`.
template <class T> bool take_number(std::string_view& rest, T& to, T least) {
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), to);
  const auto size = std::size_t(end - rest.data());
  if (ec != std::errc() || to < least || (size > 1 && rest[0] == '0') || rest[0] == '-')
    return false;
  rest.remove_prefix(size);
  return true;
}

bool take_text(std::string_view& rest, std::string_view name, std::string& to) {
  if (!take(rest, ",\"") || !take(rest, name) || !take(rest, "\":\"")) return false;
  const auto end = rest.find('"');
  if (end == rest.npos) return false;
  to = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

} // namespace

std::string text_of(const line& l) {
  std::string out = "{\"seq\":" + std::to_string(l.seq) + ",\"at_ms\":" + std::to_string(l.at);
  put(out, "act", clean(l.what.name));
  put(out, "subject", clean(l.what.subject));
  put(out, "outcome", clean(l.what.outcome));
  put(out, "who", clean(l.what.who));
  put(out, "previous", to_hex(l.previous));
  return out + '}';
}

result<line> parse_line(std::string_view text) {
  if (text.size() > line_size_max) return fail(bad("it is too long"));
  line l;
  auto rest = text;
  std::string previous;
  const bool whole =
      take(rest, "{\"seq\":") && take_number(rest, l.seq, std::uint64_t(1)) &&
      take(rest, ",\"at_ms\":") && take_number(rest, l.at, wall_ms(0)) &&
      take_text(rest, "act", l.what.name) && take_text(rest, "subject", l.what.subject) &&
      take_text(rest, "outcome", l.what.outcome) && take_text(rest, "who", l.what.who) &&
      take_text(rest, "previous", previous) && rest == "}";
  if (!whole) return fail(bad("it is not what Kith writes"));
  const auto decoded = from_hex(previous);
  if (!decoded || decoded->size() != l.previous.size()) return fail(bad("it has no digest"));
  std::copy(decoded->begin(), decoded->end(), l.previous.begin());
  if (text_of(l) != text) return fail(bad("it is not as Kith writes it"));
  return l;
}

digest digest_of(std::string_view text) { return crypto::sha256(as_bytes(text)); }

} // namespace kith::audit
