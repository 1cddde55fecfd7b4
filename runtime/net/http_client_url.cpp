// URLs on Boost.URL.
#include "runtime/net/http_client_url.hpp"

#include "runtime/net/http_client.hpp"
#include "runtime/net/ip_address.hpp"

#include <boost/url.hpp>

#include <algorithm>
#include <charconv>

namespace kith::net {
namespace {

namespace urls = boost::urls;

constexpr std::size_t host_size_max = 253, label_size_max = 63; // RFC 1035 section 2.3.4
constexpr std::size_t shown_size_max = 100;                     // of a bad URL, in an error

tl::unexpected<error> bad_url(std::string_view text, std::string_view why) {
  std::string shown;
  for (const char c : text.substr(0, shown_size_max)) shown += c > ' ' && c < 0x7f ? c : '?';
  // Not the password, if there is one.
  if (const auto at = shown.find('@'); at != shown.npos) shown.replace(0, at, "...");
  return fail(errc::invalid, "bad_url", "\"" + shown + "\" cannot be fetched: " + std::string(why));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_name_char(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }

// What some resolvers take for a number ("127.1", "0x7f000001"), and so would dial.
bool ends_in_number(std::string_view host) {
  const auto dot = host.rfind('.');
  const std::string_view last = dot == host.npos ? host : host.substr(dot + 1);
  if (std::all_of(last.begin(), last.end(), is_digit)) return true;
  return last.starts_with("0x") && std::all_of(last.begin() + 2, last.end(), is_hex);
}

bool is_dns_name(std::string_view host) {
  if (host.empty() || host.size() > host_size_max || ends_in_number(host)) return false;
  while (true) {
    const auto dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    if (label.empty() || label.size() > label_size_max ||
        !std::all_of(label.begin(), label.end(), is_name_char))
      return false;
    if (dot == host.npos) return true;
    host = host.substr(dot + 1);
  }
}

// Lower case, without a final dot; empty if it cannot be one.
std::string clean_host(std::string_view host) {
  const bool v6 = host.starts_with('[');
  if (v6) host = host.substr(1, host.size() - 2);
  if (const auto ip = ip_address::parse(host); ip && ip->is_v4() != v6) return ip->text();
  if (v6) return {};
  std::string out(host);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  if (out.ends_with('.')) out.pop_back();
  return is_dns_name(out) ? out : std::string();
}

std::string_view view(boost::core::string_view s) { return {s.data(), s.size()}; }

// Boost.URL 1.81 takes what follows an IP address or a port for a path: for
// "http://127.0.0.1.evil.example/" it says 127.0.0.1, where others would go elsewhere. After an
// authority a path begins with "/" or is empty (RFC 3986 section 3.3), and all parts together must
// be the whole.
bool is_whole(const urls::url_view& in, std::string_view text) {
  const std::string_view path = view(in.encoded_path());
  if (!path.empty() && path.front() != '/') return false;
  std::string again;
  again.append(view(in.scheme())).append("://").append(view(in.encoded_host()));
  if (in.has_port()) again.append(":").append(view(in.port()));
  again.append(path);
  if (in.has_query()) again.append("?").append(view(in.encoded_query()));
  if (in.has_fragment()) again.append("#").append(view(in.encoded_fragment()));
  return again == text;
}

// RFC 3986 section 5.2.4, for a path that begins with "/".
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const auto next = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, next);
    path = path.substr(next);
    if (segment != "/." && segment != "/..") {
      out += segment;
      continue;
    }
    if (segment == "/..") out.resize(out.empty() ? 0 : out.rfind('/'));
    if (path.empty()) out += '/'; // "/a/.." is a folder
  }
  return out.empty() ? "/" : out;
}

bool has_scheme(std::string_view reference) {
  const auto colon = reference.find(':');
  return colon != reference.npos && colon < reference.find_first_of("/?#");
}

result<http_url> take_apart(const urls::url_view& in, std::string_view text) {
  http_url out;
  if (in.scheme_id() != urls::scheme::http && in.scheme_id() != urls::scheme::https)
    return fail(errc::forbidden, "scheme_refused",
                "only http and https are fetched, not " +
                    std::string(view(in.scheme()).substr(0, shown_size_max)));
  out.secure = in.scheme_id() == urls::scheme::https;
  if (!in.has_authority()) return bad_url(text, "it names no host");
  if (in.has_userinfo()) return bad_url(text, "it holds a user name or password");
  if (!is_whole(in, text)) return bad_url(text, "its host and port are not clear");
  out.host = clean_host(view(in.encoded_host()));
  if (out.host.empty())
    return bad_url(text, "its host is neither a DNS name nor a plain IP address");
  out.port = out.secure ? 443 : 80;
  if (in.has_port() && !in.port().empty()) {
    // Not by port_number(), which in Boost.URL 1.81 makes 34463 of 99999.
    const std::string_view digits = view(in.port());
    const auto [end, ec] = std::from_chars(digits.begin(), digits.end(), out.port);
    if (ec != std::errc() || end != digits.end() || out.port == 0)
      return bad_url(text, "its port is none of 1 to 65535");
  }
  out.target = view(in.encoded_path());
  if (out.target.empty()) out.target = "/";
  if (in.has_query()) out.target += "?" + std::string(view(in.encoded_query()));
  return out;
}

} // namespace

std::string http_url::authority() const {
  const bool v6 = host.find(':') != host.npos;
  std::string out = v6 ? "[" + host + "]" : host;
  if (port != (secure ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

std::string http_url::address() const {
  return kith::net::address{.host = host, .port = port}.text();
}

std::string http_url::origin() const {
  return host.empty() ? "" : (secure ? "https://" : "http://") + authority();
}

std::string http_url::text() const { return origin() + target; }

bool http_url::same_origin(const http_url& other) const {
  return secure == other.secure && host == other.host && port == other.port;
}

result<http_url> parse_http_url(std::string_view text) {
  if (text.size() > http_client::url_size_max) return bad_url(text, "it is too long");
  const auto parsed = urls::parse_uri({text.data(), text.size()});
  if (!parsed) return bad_url(text, "it is no URL (RFC 3986)");
  return take_apart(*parsed, text);
}

// On text, because resolve() of Boost.URL 1.81 keeps dots that lead above the root. What comes out
// is judged as any URL is.
result<http_url> resolve_http_url(const http_url& base, std::string_view reference) {
  if (reference.size() > http_client::url_size_max) return bad_url(reference, "it is too long");
  const std::string_view base_path = std::string_view(base.target).substr(0, base.target.find('?'));
  std::string text = base.origin();
  if (has_scheme(reference))
    text = reference;
  else if (reference.starts_with("//"))
    text = (base.secure ? "https:" : "http:") + std::string(reference);
  else if (reference.empty() || reference.front() == '#')
    text.append(base.target);
  else if (reference.front() == '/')
    text.append(reference);
  else if (reference.front() == '?')
    text.append(base_path).append(reference);
  else
    text.append(base_path.substr(0, base_path.rfind('/') + 1)).append(reference);
  KITH_ASSIGN(http_url out, parse_http_url(text));
  const auto query = std::min(out.target.find('?'), out.target.size());
  out.target = without_dots(out.target.substr(0, query)) + out.target.substr(query);
  return out;
}

} // namespace kith::net
