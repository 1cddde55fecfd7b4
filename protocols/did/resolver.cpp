// Which method resolves what, and what a fetch's outcome means.
#include "protocols/did/resolver.hpp"

#include "protocols/did/did_key.hpp"
#include "protocols/did/did_nostr.hpp"
#include "protocols/did/did_web.hpp"

#include <algorithm>

namespace kith::dids {
namespace {

using kind = fetch_outcome::kind;

resolution_ptr share(resolution r) { return std::make_shared<const resolution>(std::move(r)); }

// An error of a method, about the DID as it was given.
resolution refused(const std::string& subject, const error& e) {
  auto as = e.category == errc::unsupported ? resolution_error::feature_not_supported
                                            : resolution_error::invalid_did;
  return failed(subject, as, e.code, e.context);
}

// What is no DID may still be a DID URL, which is a fair thing to ask for.
resolution refuse_text(std::string_view text, const error& e) {
  auto end = text.find_first_of("/?#");
  if (end != text.npos && did::parse(text.substr(0, end)))
    return failed({}, resolution_error::feature_not_supported, "did_url",
                  "this is a DID URL; DIDs are resolved, DID URLs are not dereferenced");
  return failed({}, resolution_error::invalid_did, e.code, e.context);
}

bool is_json_type(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  std::string name;
  for (char c : type)
    if (c != ' ' && c != '\t') name += c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  // Static hosts know no better than the last three; the content decides.
  constexpr std::string_view known[] = {"application/json", "application/did", "", "text/plain",
                                        "application/octet-stream"};
  return name.ends_with("+json") ||
         std::find(std::begin(known), std::end(known), name) != std::end(known);
}

resolution judge_answer(const did& subject, const fetch_outcome& o) {
  auto invalid = [&](std::string code, std::string detail) {
    return failed(subject.text(), resolution_error::invalid_did_document, std::move(code),
                  std::move(detail));
  };
  if (o.status == 410) return deactivated(subject.text());
  auto status = "its host answered with status " + std::to_string(o.status);
  if (o.status >= 400 && o.status < 500)
    return failed(subject.text(), resolution_error::not_found, "fetch_not_found", status);
  if (o.status != 200)
    return failed(subject.text(), resolution_error::internal_error, "fetch_status", status);
  if (!is_json_type(o.content_type))
    return invalid("fetch_content_type", "its host answered with something else than JSON");
  if (o.body.size() > document::size_max)
    return invalid("fetch_too_large", "its document is too large");
  auto value = json::parse(o.body);
  if (!value) return invalid(value.error().code, value.error().context);
  auto doc = document::from_json(*value);
  if (!doc) return invalid(doc.error().code, doc.error().context);
  if (doc->id != subject.text())
    return invalid("document_id", "the document at its place is about another DID");
  return resolved_foreign(*std::move(doc), *value);
}

} // namespace

resolution judge_fetch(const did& subject, const fetch_outcome& o) {
  auto fail_as = [&](resolution_error e, const char* code, const char* detail) {
    return failed(subject.text(), e, code, detail);
  };
  switch (o.what) {
  case kind::answered: return judge_answer(subject, o);
  case kind::timed_out:
    return fail_as(resolution_error::internal_error, "fetch_timeout",
                   "its host did not answer in time");
  case kind::unreachable:
    return fail_as(resolution_error::internal_error, "fetch_unreachable",
                   "its host could not be reached over https");
  case kind::not_allowed:
    return fail_as(resolution_error::not_found, "fetch_not_allowed",
                   "its host is at an address that is not public");
  case kind::too_large:
    return fail_as(resolution_error::invalid_did_document, "fetch_too_large",
                   "its document is too large");
  case kind::too_many_redirects:
    return fail_as(resolution_error::not_found, "fetch_redirects",
                   "its host redirects too often or away from https");
  }
  return fail_as(resolution_error::internal_error, "fetch_outcome", "an outcome of no known kind");
}

fetch_outcome failed_fetch(const error& why) {
  fetch_outcome o;
  auto is = [&](auto... codes) { return ((why.code == codes) || ...); };
  if (why.category == errc::timeout)
    o.what = kind::timed_out;
  else if (is("address_private"))
    o.what = kind::not_allowed;
  else if (why.category == errc::too_large)
    o.what = kind::too_large;
  // What is asked for first is https, so another scheme can only be a redirect's.
  else if (is("too_many_redirects", "redirect_cycle", "downgrade", "scheme_refused"))
    o.what = kind::too_many_redirects;
  else
    o.what = kind::unreachable;
  return o;
}

resolver::resolver(resolver_options options)
    : options_(options), fetched_(options.count_max, options.bytes_max),
      computed_(options.count_max, options.bytes_max) {}

std::variant<resolution_ptr, fetch_intent> resolver::resolve(std::string_view text,
                                                             time_point now) {
  auto subject = did::parse(text);
  if (!subject) return share(refuse_text(text, subject.error()));
  auto method = subject->method();
  if (method == "web") {
    if (auto known = fetched_.find(*subject, now)) return known;
    auto url = web_url(*subject);
    if (!url) return share(refused(subject->text(), url.error()));
    fetch_intent intent;
    intent.subject = *subject;
    intent.url = *std::move(url);
    intent.timeout = options_.fetch_timeout;
    intent.redirects_max = options_.redirects_max;
    return intent;
  }
  if (method != "key" && method != "nostr")
    return share(failed(subject->text(), resolution_error::method_not_supported, "did_method",
                        "the methods key, nostr and web are supported"));
  if (auto known = computed_.find(*subject, now)) return known;
  result<document> doc = fail(errc::internal, "did_method");
  if (method == "key") {
    auto key = key_of(*subject);
    if (!key) return share(refused(subject->text(), key.error()));
    doc = key_document(*key, options_.derive_key_agreement);
  } else {
    auto key = nostr_key_of(*subject);
    if (!key) return share(refused(subject->text(), key.error()));
    doc = nostr_document(*key);
  }
  auto made = share(resolved(*std::move(doc)));
  computed_.put(*subject, made, time_point::max()); // it never changes
  return made;
}

resolution_ptr resolver::fetched(const fetch_intent& intent, const fetch_outcome& outcome,
                                 time_point now) {
  auto judged = share(judge_fetch(intent.subject, outcome));
  fetched_.put(intent.subject, judged, now + (judged->ok() ? options_.ttl : options_.negative_ttl));
  return judged;
}

void resolver::forget(const did& subject) {
  fetched_.erase(subject);
  computed_.erase(subject);
}

} // namespace kith::dids
