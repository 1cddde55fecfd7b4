// Fields and the parts of the target URI in the canonical form in which they are signed.
#include "protocols/httpsig/message.hpp"

#include "protocols/httpsig/structured_fields.hpp"

#include <algorithm>

namespace kith::httpsig {
namespace {

// Structured fields of the specifications that this room speaks, and those of HTTP in common use.
constexpr structured_field known_fields[] = {
    {"accept-signature", field_type::dictionary},
    {"cache-status", field_type::list},
    {"client-cert", field_type::item},
    {"client-cert-chain", field_type::list},
    {"content-digest", field_type::dictionary},
    {"priority", field_type::dictionary},
    {"proxy-status", field_type::list},
    {"repr-digest", field_type::dictionary},
    {"signature", field_type::dictionary},
    {"signature-input", field_type::dictionary},
    {"want-content-digest", field_type::dictionary},
    {"want-repr-digest", field_type::dictionary},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

bool is_name(std::string_view written, std::string_view lower_name) {
  return std::equal(written.begin(), written.end(), lower_name.begin(), lower_name.end(),
                    [](char a, char b) { return lower(a) == b; });
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

void trim(std::string& text) {
  while (!text.empty() && is_blank(text.back())) text.pop_back();
  text.erase(0, std::min(text.find_first_not_of(" \t"), text.size()));
}

tl::unexpected<error> bad_field(std::string_view name) {
  return fail(errc::malformed, "bad_field",
              "the field '" + shown(name) + "' has a control character in its value");
}

// RFC 9112 section 5.2: obs-fold = OWS CRLF RWS. A bare LF counts as a line's end, as its
// section 2.2 lets a recipient do; anything else that could end a line is refused.
result<std::string> canonical_value(std::string_view name, std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    const std::size_t line_end = c == '\n' ? 1 : raw.substr(i, 2) == "\r\n" ? 2 : 0;
    if (line_end == 0) {
      if ((c >= 0 && c < ' ' && c != '\t') || c == 0x7f) return bad_field(name);
      out += c;
      continue;
    }
    i += line_end;
    const bool at_end = i == raw.size(); // a line's own end, left on by a lax reader
    if (!at_end && !is_blank(raw[i])) return bad_field(name);
    while (i < raw.size() && is_blank(raw[i])) ++i;
    --i;
    while (!out.empty() && is_blank(out.back())) out.pop_back();
    out += ' ';
  }
  trim(out);
  return out;
}

} // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string shown(std::string_view text) {
  constexpr std::size_t shown_max = 100;
  std::string out;
  for (char c : text.substr(0, shown_max)) out += sf::is_printable(c) ? c : '?';
  return text.size() > shown_max ? out + "..." : out;
}

std::optional<field_type> known_type(const message_view& message, std::string_view name) {
  for (const auto& known : message.structured)
    if (known.name == name) return known.type;
  for (const auto& known : known_fields)
    if (known.name == name) return known.type;
  return std::nullopt;
}

std::size_t count_field(const message_view& message, std::string_view name) {
  return std::size_t(std::count_if(message.headers.begin(), message.headers.end(),
                                   [&](auto& h) { return is_name(h.name, name); }));
}

result<std::vector<std::string>> field_values(const message_view& message, std::string_view name) {
  std::vector<std::string> out;
  std::size_t size = 0;
  for (const auto& h : message.headers) {
    if (!is_name(h.name, name)) continue;
    if (size += h.value.size(); size > field_size_max)
      return fail(errc::too_large, "message_too_large",
                  "the field '" + shown(name) + "' has more than " +
                      std::to_string(field_size_max) + " bytes");
    KITH_ASSIGN(auto value, canonical_value(name, h.value));
    out.push_back(std::move(value));
  }
  if (out.empty())
    return fail(errc::not_found, "field_missing", "the message has no field '" + shown(name) + "'");
  return out;
}

result<std::string> combined_field(const message_view& message, std::string_view name) {
  KITH_ASSIGN(auto values, field_values(message, name));
  std::string out = std::move(values.front());
  for (std::size_t i = 1; i < values.size(); ++i) out += ", " + values[i];
  return out;
}

result<std::string> authority(const message_view& message) {
  auto out = to_lower(message.authority);
  if (out.empty() || message.is_response())
    return fail(errc::unsupported, "bad_component", "the message has no authority");
  const auto scheme = to_lower(message.scheme);
  const std::string_view port = scheme == "https" ? ":443" : scheme == "http" ? ":80" : "";
  // Within the brackets of an IPv6 address nothing ends like this: it ends with "]".
  if (!port.empty() && out.size() > port.size() && out.ends_with(port))
    out.resize(out.size() - port.size());
  else if (out.ends_with(':')) // an empty port is the default one (RFC 3986 section 6.2.3)
    out.pop_back();
  return out;
}

result<std::string> target_uri(const message_view& message) {
  if (message.is_response() || message.scheme.empty())
    return fail(errc::unsupported, "bad_component", "the message has no target URI");
  KITH_ASSIGN(auto host, authority(message));
  auto out = to_lower(message.scheme) + "://" + host;
  out += message.path.empty() ? "/" : message.path;
  if (message.query) out.append("?").append(*message.query);
  return out;
}

} // namespace kith::httpsig
