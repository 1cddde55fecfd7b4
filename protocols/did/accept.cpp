// Ranges are read one by one; for each form the most exact range that covers it says its quality.
#include "protocols/did/accept.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace kith::dids {
namespace {

constexpr std::string_view profile = "https://w3id.org/did-resolution";
constexpr std::size_t form_count = 7;
constexpr std::array<std::string_view, form_count> types = {
    "application/did-resolution",
    "application/did+ld+json",
    "application/did+json",
    "application/did",
    "application/json",
    "application/ld+json",
    "application/ld+json;profile=\"https://w3id.org/did-resolution\""};

struct range {
  std::string type; // "application/json", small letters
  std::optional<std::string> profile;
  int quality = 1000; // thousandths
};

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return out;
}

// Takes the text before the first `mark` that is not within quotes off the front.
std::string_view take(std::string_view& rest, char mark) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size() && (quoted || rest[i] != mark); ++i) {
    if (quoted && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      quoted = !quoted;
    }
  }
  i = std::min(i, rest.size());
  auto out = rest.substr(0, i);
  rest.remove_prefix(std::min(i + 1, rest.size()));
  return trim(out);
}

std::string unquote(std::string_view s) {
  if (s.size() < 2 || s.front() != '"' || s.back() != '"') return std::string(s);
  return std::string(s.substr(1, s.size() - 2)); // no profile has an escape in it
}

// RFC 9110 section 12.4.2: at most three decimals.
std::optional<int> quality_of(std::string_view s) {
  if (s.empty() || s.size() > 5 || (s[0] != '0' && s[0] != '1')) return std::nullopt;
  if (s.size() > 1 && s[1] != '.') return std::nullopt;
  int v = (s[0] - '0') * 1000, scale = 100;
  for (char c : s.substr(std::min<std::size_t>(2, s.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    v += (c - '0') * scale;
    scale /= 10;
  }
  if (v > 1000) return std::nullopt;
  return v;
}

std::optional<range> read_range(std::string_view text) {
  range r;
  r.type = lower(take(text, ';'));
  auto slash = r.type.find('/');
  if (slash == 0 || slash == std::string::npos || slash + 1 == r.type.size()) return std::nullopt;
  while (!text.empty()) {
    auto parameter = take(text, ';');
    auto equals = parameter.find('=');
    if (equals == parameter.npos) continue;
    auto name = lower(trim(parameter.substr(0, equals)));
    auto value = trim(parameter.substr(equals + 1));
    if (name == "q") {
      auto q = quality_of(value);
      if (!q) return std::nullopt;
      r.quality = *q;
    } else if (name == "profile") {
      r.profile = unquote(value);
    }
  }
  return r;
}

// A profile may be several URIs (RFC 6906 section 3).
bool has_profile(std::string_view list) {
  while (!list.empty())
    if (take(list, ' ') == profile) return true;
  return false;
}

// How exactly `r` names the form: 0 not at all.
int exactness(const range& r, representation form) {
  if (r.type == "*/*") return 1;
  if (r.type == "application/*") return 2;
  auto type = types[std::size_t(form)];
  if (type.substr(0, type.find(';')) != r.type) return 0;
  // Only of application/ld+json a profile makes another thing.
  if (r.type != types[std::size_t(representation::ld_json)] || !r.profile) return 3;
  return form == representation::result_ld && has_profile(*r.profile) ? 4 : 0;
}

} // namespace

std::string_view media_type_of(representation r) { return types[std::size_t(r)]; }

bool is_result(representation r) {
  return r == representation::result || r == representation::json || r == representation::result_ld;
}

std::optional<representation> negotiate(std::string_view accept) {
  if (trim(accept).empty() || accept.size() > accept_size_max) return representation::result;
  std::vector<range> ranges;
  for (std::size_t i = 0; i < accept_ranges_max && !accept.empty(); ++i)
    if (auto r = read_range(take(accept, ','))) ranges.push_back(std::move(*r));
  std::optional<representation> best;
  int best_quality = 0, best_exactness = 0;
  for (std::size_t i = 0; i < form_count; ++i) {
    int quality = 0, exact = 0;
    for (const auto& r : ranges) {
      auto e = exactness(r, representation(i));
      if (e > exact) exact = e, quality = r.quality;
    }
    if (quality > best_quality ||
        (quality == best_quality && quality > 0 && exact > best_exactness))
      best = representation(i), best_quality = quality, best_exactness = exact;
  }
  return best;
}

} // namespace kith::dids
