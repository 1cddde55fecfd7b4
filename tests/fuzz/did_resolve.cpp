// Any text as a DID, any Accept and any outcome of a fetch: lines of the input. Whatever comes,
// there is a response of a known status, and only safe URLs are asked for.
#include "protocols/did/did_web.hpp"
#include "protocols/did/resolver.hpp"

#include <charconv>
#include <cstdlib>

using namespace kith;
using namespace kith::dids;

static void check(bool ok) {
  if (!ok) std::abort();
}

static std::string_view line(std::string_view& rest) {
  auto end = rest.find('\n');
  auto out = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  return out;
}

static void check_url(const std::string& url) {
  check(url.starts_with("https://") && url.ends_with("/did.json"));
  check(url.find_first_of("?#@\\ \r\n") == url.npos && url.find("//", 8) == url.npos);
  check(url.find("/../") == url.npos && url.find("/./") == url.npos);
  check(web_url(web_did(url).value()).value() == url);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto rest = as_text({data, size});
  auto text = identifier_from_path(line(rest));
  auto accept = line(rest);
  (void)web_did(text);
  resolver_options few;
  few.count_max = 2;
  resolver r(few);
  time_point now{std::chrono::hours(1)};
  auto got = r.resolve(text, now);
  if (auto* wanted = std::get_if<fetch_intent>(&got)) {
    check_url(wanted->url);
    fetch_outcome o;
    // "a404": the first letter's kind of outcome, then the status.
    auto what = line(rest);
    o.what = fetch_outcome::kind(what.empty() ? 0 : std::uint8_t(what[0] - 'a') % 6);
    o.status = 200;
    if (what.size() > 1) std::from_chars(what.data() + 1, what.data() + what.size(), o.status);
    o.content_type = line(rest);
    o.body = rest;
    got = r.fetched(*wanted, o, now);
    auto again = r.resolve(text, now);
    check(std::get<resolution_ptr>(again) == std::get<resolution_ptr>(got));
  }
  const auto& resolved = *std::get<resolution_ptr>(got);
  check(!resolved.ok() || (resolved.doc->id == text && resolved.subject == text));
  for (auto a : {accept, std::string_view("application/did+json")}) {
    auto sent = respond(resolved, a);
    check(json::parse(sent.body).has_value());
    bool known = false;
    for (int status : {200, 400, 404, 406, 410, 500, 501}) known = known || sent.status == status;
    check(known && (sent.status == 200 || !resolved.ok() || sent.status == 406));
  }
  return 0;
}
