// The resolver: methods, fetches and what they may bring, and its bounded cache.
#include "protocols/did/resolver.hpp"

#include "protocols/did/did_key.hpp"
#include "protocols/did/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::dids;
using namespace kith::dids::test;

namespace {

const time_point start{std::chrono::hours(1)};
const std::string web = "did:web:a.example";

resolution_ptr now(resolver& r, const std::string& text, time_point t = start) {
  auto got = r.resolve(text, t);
  REQUIRE(std::holds_alternative<resolution_ptr>(got));
  return std::get<resolution_ptr>(got);
}

fetch_intent intent(resolver& r, const std::string& text, time_point t = start) {
  auto got = r.resolve(text, t);
  REQUIRE(std::holds_alternative<fetch_intent>(got));
  return std::get<fetch_intent>(got);
}

fetch_outcome answer(std::string body, int status = 200,
                     std::string type = "application/did+json") {
  return {fetch_outcome::kind::answered, status, std::move(type), std::move(body)};
}

std::string body_for(const std::string& id) { return R"({"id":")" + id + R"("})"; }

} // namespace

TEST_CASE("did:key and did:nostr resolve at once", "[did][unit]") {
  resolver r;
  auto key = public_of(key_number(1));
  auto got = now(r, key_did(key).text());
  CHECK(got->ok());
  CHECK(got->doc->methods.at(0).key == key);
  CHECK(now(r, key_did(key).text()) == got); // the very same: from the cache
  CHECK(r.computed_cache().count() == 1);
  CHECK(got->doc->of(relationship::key_agreement).empty());
  resolver_options derive;
  derive.derive_key_agreement = true;
  resolver with(derive);
  CHECK(now(with, key_did(key).text())->doc->of(relationship::key_agreement).size() == 1);
  auto nostr = now(r, "did:nostr:124c0fa99407182ece5a24fad9b7f6674902fc422843d3128d38a0afbee0fdd2");
  CHECK(nostr->ok());
  CHECK(json::parse(nostr->text).value()["type"].as_string() == "DIDNostr");
}

TEST_CASE("what cannot be resolved has its error and its status", "[did][unit]") {
  resolver r;
  auto z = public_of(key_number(1)).multibase();
  struct row {
    std::string text, error;
    int status;
  };
  for (const auto& [text, error, status] : std::vector<row>{
           {"", "invalidDid", 400},
           {"did", "invalidDid", 400},
           {"did:", "invalidDid", 400},
           {"did:key", "invalidDid", 400},
           {"did:key:", "invalidDid", 400},
           {"did::x", "invalidDid", 400},
           {"DID:key:" + z, "invalidDid", 400},
           {"did:KEY:" + z, "invalidDid", 400},
           {" did:key:" + z, "invalidDid", 400},
           {"did:key:" + z + "\n", "invalidDid", 400},
           {"did:key:" + z + std::string(1, '\0'), "invalidDid", 400},
           {"did:key:\xff\xfe", "invalidDid", 400},
           {"did:key:<script>", "invalidDid", 400},
           {"did:key:" + std::string(600, 'z'), "invalidDid", 400},
           {"https://a.example/", "invalidDid", 400},
           {"#a", "invalidDid", 400},
           {"/did:key:" + z, "invalidDid", 400},
           {"did:key:" + z.substr(0, z.size() - 1), "invalidDid", 400},
           {"did:key:" + z.substr(1), "invalidDid", 400},
           {"did:key:" + z + ":" + z, "invalidDid", 400},
           {"did:key:" + z + "#" + z, "featureNotSupported", 501},
           {"did:key:" + z + "?versionId=1", "featureNotSupported", 501},
           {"did:key:" + z + "/path", "featureNotSupported", 501},
           {"did:key:z82LkvCwHNreneWpsgPEbV3gu1C6NFJEBg4srfJ5gdxEsMGRJUz2sG9FE42shbn2xkZJh54",
            "featureNotSupported", 501},
           {"did:web:127.0.0.1", "invalidDid", 400},
           {"did:web:a.example:..:secret", "invalidDid", 400},
           {"did:web:a.example:%2e%2e", "invalidDid", 400},
           {"did:web:a.example%2Fb", "invalidDid", 400},
           {"did:web:a.example%3A99999", "invalidDid", 400},
           {"did:nostr:00", "invalidDid", 400},
           {"did:nostr:" + std::string(64, 'f'), "invalidDid", 400},
           {"did:ion:abc", "methodNotSupported", 501},
           {"did:keys:" + z, "methodNotSupported", 501}}) {
    INFO(text);
    auto got = now(r, text);
    auto sent = respond(*got, "application/did+ld+json");
    CHECK(sent.status == status);
    auto metadata = json::parse(sent.body).value()["didResolutionMetadata"];
    CHECK(metadata["error"].as_string() == error);
    CHECK_FALSE(got->code.empty());
    CHECK(sent.body.size() < 600);
  }
  CHECK(r.computed_cache().count() == 0); // errors that cost nothing are not kept
  CHECK(r.fetched_cache().count() == 0);
}

TEST_CASE("a did:web is fetched once and then kept for a while", "[did][unit]") {
  resolver r;
  auto wanted = intent(r, web + "%3A8443:agents:x");
  CHECK(wanted.url == "https://a.example:8443/agents/x/did.json");
  CHECK(wanted.body_size_max == document::size_max);
  CHECK(wanted.redirects_max == 3);
  CHECK(wanted.timeout == std::chrono::seconds(5));
  auto text = wanted.subject.text();
  auto got = r.fetched(wanted, answer(body_for(text)), start);
  CHECK(got->ok());
  CHECK(got->subject == text);
  resolver_options defaults;
  CHECK(now(r, text, start + defaults.ttl - duration(1)) == got);
  intent(r, text, start + defaults.ttl);
  r.fetched(wanted, answer(body_for(text)), start);
  r.forget(wanted.subject);
  intent(r, text);
}

TEST_CASE("what a fetch brings is judged", "[did][unit]") {
  using kind = fetch_outcome::kind;
  struct row {
    fetch_outcome outcome;
    std::string code;
    int status;
  };
  auto of = [](kind what) {
    fetch_outcome o;
    o.what = what;
    return o;
  };
  for (const auto& [outcome, code, status] :
       std::vector<row>{{answer(body_for(web)), "", 200},
                        {answer(body_for(web), 200, "application/json; charset=utf-8"), "", 200},
                        {answer(body_for(web), 200, "Application/DID+LD+JSON"), "", 200},
                        {answer(body_for(web), 200, ""), "", 200},
                        {answer(body_for(web), 200, "text/html"), "fetch_content_type", 500},
                        {answer(body_for(web), 404), "fetch_not_found", 404},
                        {answer(body_for(web), 403), "fetch_not_found", 404},
                        {answer(body_for(web), 410), "", 410},
                        {answer(body_for(web), 500), "fetch_status", 500},
                        {answer(body_for(web), 204), "fetch_status", 500},
                        {answer(body_for(web), 301), "fetch_status", 500},
                        {answer(""), "bad_json", 500},
                        {answer("<html>"), "bad_json", 500},
                        {answer(body_for("did:web:b.example")), "document_id", 500},
                        {answer(body_for("did:web:A.example")), "document_id", 500},
                        {answer(R"({"id":"x","id":"did:web:a.example"})"), "bad_json", 500},
                        {answer("{}"), "bad_document", 500},
                        {answer(std::string(document::size_max + 1, ' ')), "fetch_too_large", 500},
                        {answer(R"({"id":"did:web:a.example","x":)" + std::string(20, '[') +
                                std::string(20, ']') + "}"),
                         "document_too_large", 500},
                        {answer(R"({"id":"did:web:a.example","x":)" + std::string(40, '[') +
                                std::string(40, ']') + "}"),
                         "bad_json", 500},
                        {answer("{\"id\":\"did:web:a.example\",\"x\":\"\xff\"}"), "bad_json", 500},
                        {of(kind::timed_out), "fetch_timeout", 500},
                        {of(kind::unreachable), "fetch_unreachable", 500},
                        {of(kind::not_allowed), "fetch_not_allowed", 404},
                        {of(kind::too_large), "fetch_too_large", 500},
                        {of(kind::too_many_redirects), "fetch_redirects", 404}}) {
    INFO(outcome.body << " " << int(outcome.what) << " " << outcome.status);
    auto judged = judge_fetch(parsed(web), outcome);
    CHECK(judged.code == code);
    CHECK(judged.subject == web);
    auto sent = respond(judged, "");
    CHECK(sent.status == status);
    CHECK(json::parse(sent.body));
  }
}

TEST_CASE("a fetch that failed is kept for a shorter while", "[did][unit]") {
  resolver r;
  resolver_options defaults;
  REQUIRE(defaults.negative_ttl < defaults.ttl);
  auto got = r.fetched(intent(r, web), answer("", 404), start);
  CHECK(got->error == resolution_error::not_found);
  CHECK(now(r, web, start + defaults.negative_ttl - duration(1)) == got);
  intent(r, web, start + defaults.negative_ttl);
}

TEST_CASE("the cache keeps within its count, and drops what was used longest ago",
          "[did][property]") {
  resolver_options few;
  few.count_max = 3;
  resolver r(few);
  auto name = [](int i) { return "did:web:h" + std::to_string(i) + ".example"; };
  auto put = [&](int i) { r.fetched(intent(r, name(i)), answer(body_for(name(i))), start); };
  for (int i = 0; i < 3; ++i) put(i);
  now(r, name(0)); // now 1 is the oldest
  put(3);
  CHECK(r.fetched_cache().count() == 3);
  now(r, name(0));
  now(r, name(2));
  now(r, name(3));
  intent(r, name(1));
  for (int i = 10; i < 100; ++i) {
    put(i);
    REQUIRE(r.fetched_cache().count() == 3);
    now(r, name(i));
  }
}

TEST_CASE("the cache keeps within its bytes", "[did][property]") {
  resolver_options small;
  small.bytes_max = 40'000;
  resolver r(small);
  auto body = [](const std::string& text, std::size_t size) {
    return R"({"id":")" + text + R"(","x":")" + std::string(size, 'a') + R"("})";
  };
  seeded_random random(5);
  for (int i = 0; i < 300; ++i) {
    auto text = "did:web:h" + std::to_string(i % 40) + ".example";
    byte_array<2> b;
    random.fill(b);
    auto got = r.resolve(text, start);
    if (auto* wanted = std::get_if<fetch_intent>(&got))
      r.fetched(*wanted, answer(body(text, get_u16(b.data()) % 20'000u)), start);
    REQUIRE(r.fetched_cache().bytes() <= small.bytes_max);
  }
  CHECK(r.fetched_cache().count() > 0);
  r.fetched(intent(r, web), answer(body(web, 60'000)), start); // alone too large: not kept
  intent(r, web);
  for (int i = 0; i < 40; ++i) r.forget(parsed("did:web:h" + std::to_string(i) + ".example"));
  CHECK(r.fetched_cache().count() == 0);
  CHECK(r.fetched_cache().bytes() == 0);
}

TEST_CASE("made-up keys do not drive fetched documents out", "[did][unit]") {
  resolver_options few;
  few.count_max = 4;
  resolver r(few);
  r.fetched(intent(r, web), answer(body_for(web)), start);
  for (int i = 0; i < 50; ++i) now(r, key_number(std::uint8_t(i)).did().text());
  CHECK(r.computed_cache().count() == 4);
  CHECK(now(r, web)->ok());
}

TEST_CASE("a fetcher's error is what it means for the DID", "[did][unit]") {
  using kind = fetch_outcome::kind;
  const std::vector<std::tuple<errc, const char*, kind>> cases = {
      {errc::timeout, "timeout", kind::timed_out},
      {errc::timeout, "connect_timeout", kind::timed_out},
      {errc::forbidden, "address_private", kind::not_allowed},
      {errc::too_large, "too_large", kind::too_large},
      {errc::malformed, "too_many_redirects", kind::too_many_redirects},
      {errc::malformed, "redirect_cycle", kind::too_many_redirects},
      {errc::forbidden, "downgrade", kind::too_many_redirects},
      {errc::forbidden, "scheme_refused", kind::too_many_redirects},
      {errc::unauthenticated, "tls_failed", kind::unreachable},
      {errc::unavailable, "connection_refused", kind::unreachable},
      {errc::overloaded, "too_many_fetches", kind::unreachable}};
  for (const auto& [category, code, what] : cases) {
    INFO(code);
    CHECK(failed_fetch({category, code, ""}).what == what);
  }
}
