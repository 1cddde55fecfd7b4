// One grammar for both directions: a host, a port, and segments that are spelt alike in the DID and
// in the URL's path, so that neither direction has to decode anything.
#include "protocols/did/did_web.hpp"

#include "protocols/did/did_key.hpp"

#include <algorithm>
#include <charconv>

namespace kith::dids {
namespace {

constexpr std::string_view prefix = "did:web:";
constexpr std::string_view scheme = "https://";
constexpr std::string_view file = "did.json";
constexpr std::string_view well_known = ".well-known";
constexpr std::size_t host_size_max = 253, label_size_max = 63; // RFC 1035 section 2.3.4

// What both forms say.
struct place {
  std::string host; // small letters
  std::string port; // digits, or empty
  std::vector<std::string_view> path;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> out;
  for (;;) {
    auto at = text.find(mark);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

// RFC 1123 section 2.1, and no IPv4 address: a top-level domain is never a number, in any base.
bool is_host(std::string_view host) {
  if (host.size() > host_size_max) return false;
  auto labels = split(host, '.');
  auto last = labels.back();
  if (last.empty() || is_digit(last[0])) return false;
  return std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
    return !label.empty() && label.size() <= label_size_max && label.front() != '-' &&
           label.back() != '-' &&
           std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; });
  });
}

bool is_port(std::string_view port) {
  unsigned v = 0;
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), v);
  return !port.empty() && port.size() <= 5 && port[0] != '0' && error == std::errc() &&
         end == port.data() + port.size() && v <= 65535;
}

bool is_plain(char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; }

// Whether %XX may stand in a segment: what must be encoded and is harmless once decoded.
bool may_be_encoded(unsigned v) {
  constexpr std::string_view harmful = "/\\%?#:;.";
  return v > 0x20 && v < 0x7f && !is_plain(char(v)) && harmful.find(char(v)) == harmful.npos;
}

bool is_segment(std::string_view s) {
  if (s.find_first_not_of('.') == s.npos) return false; // empty, ".", ".."
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (is_plain(s[i])) continue;
    if (s[i] != '%' || s.size() - i < 3) return false;
    unsigned v = 0;
    auto [end, error] = std::from_chars(s.data() + i + 1, s.data() + i + 3, v, 16);
    if (error != std::errc() || end != s.data() + i + 3 || !may_be_encoded(v)) return false;
    i += 2;
  }
  return true;
}

// Empty if all is well, otherwise what is wrong.
std::string_view fault(const place& p) {
  if (!is_host(p.host)) return "its host is not a domain name";
  if (!p.port.empty() && !is_port(p.port)) return "its port is out of range";
  if (p.path.size() > web_segments_max) return "its path is too long";
  if (!std::all_of(p.path.begin(), p.path.end(), is_segment))
    return "its path has an empty, dotted or badly encoded segment";
  if (p.path.size() == 1 && p.path[0] == well_known) return "it is the host's own by another name";
  return {};
}

std::string url_of(const place& p) {
  auto out = std::string(scheme) + p.host;
  if (!p.port.empty()) out += ":" + p.port;
  if (p.path.empty()) out.append("/").append(well_known);
  for (auto segment : p.path) out.append("/").append(segment);
  return out.append("/").append(file);
}

// Splits host and port, which `mark` separates; npos of it: no port.
void put_authority(place& p, std::string_view authority, std::size_t at, std::size_t mark_size) {
  p.host = authority.substr(0, at);
  std::transform(p.host.begin(), p.host.end(), p.host.begin(), lower);
  // "0" is no port, so that a mark with nothing behind it is refused too.
  if (at == authority.npos) return;
  auto port = authority.substr(at + mark_size);
  p.port = port.empty() ? "0" : port;
}

} // namespace

result<std::string> web_url(const did& subject) {
  auto text = std::string_view(subject.text());
  auto bad = [](std::string_view why) {
    return fail(errc::malformed, "bad_did", "this is no did:web: " + std::string(why));
  };
  if (!text.starts_with(prefix)) return bad("it is of another method");
  place p;
  p.path = split(text.substr(prefix.size()), ':');
  auto authority = p.path.front();
  p.path.erase(p.path.begin());
  put_authority(p, authority, std::min(authority.find("%3A"), authority.find("%3a")), 3);
  if (auto why = fault(p); !why.empty()) return bad(why);
  return url_of(p);
}

result<did> web_did(std::string_view url) {
  auto bad = [](std::string_view why) {
    return fail(errc::malformed, "bad_did_url", "no did:web has this URL: " + std::string(why));
  };
  if (url.size() > did::size_max) return bad("it is too long");
  if (!url.starts_with(scheme)) return bad("it is not https");
  place p;
  p.path = split(url.substr(scheme.size()), '/');
  auto authority = p.path.front();
  p.path.erase(p.path.begin());
  if (p.path.empty() || p.path.back() != file) return bad("it does not end in /did.json");
  p.path.pop_back();
  put_authority(p, authority, authority.find(':'), 1);
  if (p.path.empty()) return bad("a host's own is at /.well-known/did.json");
  if (p.path.size() == 1 && p.path[0] == well_known) p.path.clear();
  if (auto why = fault(p); !why.empty()) return bad(why);
  if (url_of(p) != url) return bad("its host has capital letters");
  auto text = std::string(prefix) + p.host;
  if (!p.port.empty()) text += "%3A" + p.port;
  for (auto segment : p.path) text.append(":").append(segment);
  return did::parse(text);
}

result<did> web_node_did(std::string_view host, std::uint16_t port) {
  place p;
  p.host = host;
  std::transform(p.host.begin(), p.host.end(), p.host.begin(), lower);
  if (!is_host(p.host))
    return fail(errc::invalid, "bad_host", "a did:web needs a domain name, not an address");
  return did::parse(std::string(prefix) + p.host + (port ? "%3A" + std::to_string(port) : ""));
}

result<did> web_agent_did(std::string_view host, std::uint16_t port, std::string_view name) {
  constexpr std::size_t name_size_max = 64;
  bool plain = std::all_of(name.begin(), name.end(), is_plain) && is_segment(name);
  if (!plain || name.size() > name_size_max)
    return fail(errc::invalid, "bad_name", "this agent's name cannot stand in a did:web");
  KITH_ASSIGN(auto node, web_node_did(host, port));
  return did::parse(node.text() + ":agents:" + std::string(name));
}

document web_document(const did& subject, const std::vector<key_period>& history,
                      const std::vector<door>& doors,
                      const std::vector<std::string>& also_known_as) {
  document doc;
  doc.id = subject.text();
  for (std::size_t i = 0; i < history.size(); ++i) {
    const auto& period = history[i];
    verification_method m;
    m.id = doc.id + "#" + period.key.multibase();
    m.controller = doc.id;
    m.key = period.key;
    (period.revoked ? m.revoked : m.expires) = period.until;
    if (i + 1 == history.size()) {
      doc.relate(m.id, {relationship::authentication, relationship::capability_delegation,
                        relationship::capability_invocation});
      doc.also_known_as.push_back(key_did(period.key).text());
    }
    if (!period.revoked) doc.relate(m.id, {relationship::assertion_method});
    doc.methods.push_back(std::move(m));
  }
  for (const auto& text : also_known_as) doc.also_known_as.push_back(text);
  for (const auto& d : doors) doc.services.push_back({doc.id + "#" + d.name, {d.type}, d.endpoint});
  return doc;
}

} // namespace kith::dids
