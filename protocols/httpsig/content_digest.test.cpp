// Content-Digest: RFC 9530's examples, several digests, and what is refused.
#include "protocols/httpsig/content_digest.hpp"

#include "protocols/httpsig/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::httpsig;

namespace {

const std::string body = "{\"hello\": \"world\"}";

std::string check(std::string_view field, std::string_view content = body) {
  auto checked = check_content_digest(field, as_bytes(content));
  return checked ? "right" : checked.error().code;
}

const std::string sha256_field = make_content_digest(as_bytes(body));
const std::string sha512_field = make_content_digest(as_bytes(body), digest_algorithm::sha512);
const std::string other_field = make_content_digest(as_bytes("other"));

} // namespace

TEST_CASE("content digests are those of RFC 9530's examples", "[httpsig][vector]") {
  const auto vectors = test::read_vectors("rfc9530.json");
  const auto& cases = vectors["digests"];
  REQUIRE(cases.size() == 5);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto content = cases[i]["body"].as_string(), field = cases[i]["field"].as_string();
    const bool long_one = field.starts_with("sha-512");
    CAPTURE(cases[i]["where"].as_string());
    CHECK(make_content_digest(as_bytes(content), long_one ? digest_algorithm::sha512
                                                          : digest_algorithm::sha256) == field);
    CHECK(check(field, content) == "right");
    CHECK(check(field, content + " ") == "digest_wrong");
  }
}

TEST_CASE("of several digests all that are known must fit", "[httpsig][unit]") {
  const std::string wrong512 = make_content_digest(as_bytes("other"), digest_algorithm::sha512);
  CHECK(check(sha256_field + ", " + sha512_field) == "right");
  CHECK(check(sha256_field + ", " + wrong512) == "digest_wrong");
  CHECK(check(wrong512 + ", " + sha256_field) == "digest_wrong");
  CHECK(check("md5=:Sd/dVLAcvNLSq16eXua5uQ==:, " + sha256_field) == "right");
  CHECK(check("new-one=:AAAA:;p=1, " + sha512_field) == "right");
  CHECK(check("md5=:Sd/dVLAcvNLSq16eXua5uQ==:") == "digest_unknown");
  CHECK(check("") == "digest_unknown");
}

TEST_CASE("a field that is no dictionary of bytes is malformed", "[httpsig][unit]") {
  CHECK(check("sha-256") == "digest_malformed");
  CHECK(check("sha-256=1") == "digest_malformed");
  CHECK(check("sha-256=(:YQ==:)") == "digest_malformed");
  CHECK(check("SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=") == "digest_malformed");
  CHECK(check(sha256_field + ", x=1") == "digest_malformed");
  CHECK(check(sha256_field + ", " + sha256_field) == "digest_malformed"); // never two of a kind
  CHECK(check(sha256_field + ", " + other_field) == "digest_malformed");
  CHECK(check("sha-256=:YQ==:") == "digest_wrong");
  std::string many = sha256_field;
  for (std::size_t i = 1; i < digests_max; ++i) many += ", x" + std::to_string(i) + "=:AA==:";
  CHECK(check(many) == "right");
  CHECK(check(many + ", y=:AA==:") == "digest_malformed");
}

TEST_CASE("a digest cut at any byte is never right", "[httpsig][unit]") {
  for (std::size_t size = 0; size < sha512_field.size(); ++size)
    CHECK(check(sha512_field.substr(0, size)) != "right");
}

TEST_CASE("a message's digest is taken from all lines of its field", "[httpsig][unit]") {
  test::owned_message m;
  m.body = body;
  CHECK(check_content_digest(m.view()).error().code == "digest_missing");
  m.add("Content-Digest", sha256_field);
  CHECK(check_content_digest(m.view()));
  m.add("content-digest", sha512_field);
  CHECK(check_content_digest(m.view()));
  m.body += "\n";
  CHECK(check_content_digest(m.view()).error().code == "digest_wrong");
  m.headers = {{"content-digest", "sha-256=\x01"}};
  CHECK(check_content_digest(m.view()).error().code == "digest_malformed");
}
