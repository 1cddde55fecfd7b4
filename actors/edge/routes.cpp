#include "actors/edge/routes.hpp"

namespace kith::edge {

namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  path.remove_prefix(1);
  for (;;) {
    auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

bool is_param(std::string_view segment) { return segment.starts_with('{'); }
bool takes_rest(std::string_view segment) { return segment.ends_with("...}"); }

error bad_path(std::string what) { return {errc::invalid, "bad_path", std::move(what)}; }

} // namespace

void routes::add(route r) { routes_.push_back(std::move(r)); }

result<routes::match> routes::find(std::string_view method, std::string_view path) const {
  if (path.empty() || path[0] != '/') return fail(bad_path("a path begins with /"));
  auto segments = split(path);
  match m;
  if (segments.size() > segments_max) return m;
  std::vector<std::string> decoded;
  for (auto s : segments) {
    KITH_ASSIGN(auto text, net::percent_decode(s));
    if (text == "." || text == "..") return fail(bad_path("a path has no dot segments here"));
    if (text.find('\0') != std::string::npos) return fail(bad_path("a path has no zero bytes"));
    decoded.push_back(std::move(text));
  }
  for (const auto& r : routes_) {
    auto pattern = split(r.pattern);
    bool rest = takes_rest(pattern.back());
    if (rest ? segments.size() < pattern.size() : segments.size() != pattern.size()) continue;
    std::vector<std::string> params;
    bool fits = true;
    for (std::size_t i = 0; fits && i < pattern.size(); ++i) {
      if (!is_param(pattern[i])) {
        fits = decoded[i] == pattern[i];
      } else if (takes_rest(pattern[i])) {
        // As it came: whoever takes it decodes it.
        params.emplace_back(segments[i].data(), path.data() + path.size());
      } else {
        fits = !decoded[i].empty() && decoded[i].find('/') == std::string::npos;
        params.push_back(decoded[i]);
      }
    }
    if (!fits) continue;
    if (r.method == method || (method == "HEAD" && r.method == "GET")) {
      m.found = &r;
      m.params = std::move(params);
      return m;
    }
    if (!m.allowed.empty()) m.allowed += ", ";
    m.allowed += r.method;
  }
  return m;
}

} // namespace kith::edge
