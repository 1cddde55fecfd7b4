// Verification: what is accepted, and for each thing that can be wrong its own refusal.
#include "protocols/httpsig/verify.hpp"

#include "protocols/httpsig/content_digest.hpp"
#include "protocols/httpsig/replay_cache.hpp"
#include "protocols/httpsig/sign.hpp"
#include "protocols/httpsig/test_support.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

using namespace kith;
using namespace kith::httpsig;
using test::owned_message;

namespace {

constexpr unix_seconds now = 1'700'000'000;
const crypto::ed25519_key alice = crypto::ed25519_key::from_seed(byte_array<32>{1});
const crypto::ed25519_key mallory = crypto::ed25519_key::from_seed(byte_array<32>{2});
const std::string alice_id = did_key_url(alice.public_key());

owned_message post() {
  owned_message m;
  m.query = "a=b&c=d";
  m.body = "{\"hello\": \"world\"}";
  m.headers = {{"Host", "example.com"}, {"Content-Type", "application/json"}};
  m.add("Content-Digest", make_content_digest(as_bytes(m.body)));
  return m;
}

const std::vector<component> whole{"@method", "@target-uri", "content-digest", "content-type"};

signature_params recent() { return {.created = now - 5, .keyid = alice_id, .nonce = "n-1"}; }

owned_message& sign_into(owned_message& m, const signature_params& params = recent(),
                         const std::vector<component>& covered = whole,
                         const crypto::ed25519_key& key = alice,
                         const std::string& label = "sig1") {
  auto fields = sign(m.view(), label, covered, params, ed25519_signer(key));
  REQUIRE(fields);
  m.add("Signature-Input", fields->signature_input);
  m.add("Signature", fields->signature);
  return m;
}

std::string outcome(const owned_message& m, const verify_policy& policy = {},
                    unix_seconds at = now) {
  auto verified = verify(m.view(), policy, at, resolve_did_key);
  if (verified) return "verified";
  CHECK_FALSE(verified.error().context.empty());
  return verified.error().code;
}

static_assert(!std::is_default_constructible_v<verified_request>);
static_assert(!std::is_aggregate_v<verified_request>);

} // namespace

TEST_CASE("a signed request verifies, and says by whom, when and over what", "[httpsig][unit]") {
  auto m = post();
  sign_into(m);
  auto verified = verify(m.view(), {}, now, resolve_did_key);
  REQUIRE(verified);
  CHECK(verified->keyid() == alice_id);
  CHECK(verified->key() == verification_key(ed25519_verification_key{alice.public_key()}));
  CHECK(verified->algorithm() == "ed25519");
  CHECK(verified->label() == "sig1");
  CHECK(verified->covered() == whole);
  CHECK(verified->covers("content-type"));
  CHECK_FALSE(verified->covers("host"));
  CHECK_FALSE(verified->covers(component("content-type", {{"bs", true}})));
  CHECK(verified->created() == now - 5);
  CHECK(verified->nonce() == "n-1");
  CHECK_FALSE(verified->tag());
  CHECK(verified->acceptable_until() == now - 5 + 300 + 30);
}

TEST_CASE("RFC 9421's Ed25519 example of B.2.6 verifies", "[httpsig][vector]") {
  const auto vectors = test::read_vectors("rfc9421-signatures.json");
  const auto key = from_hex(vectors["ed25519"]["public"].as_string()).value();
  const auto resolve = [&](std::string_view keyid) -> result<verification_key> {
    CHECK(keyid == "test-key-ed25519");
    ed25519_verification_key out;
    std::copy(key.begin(), key.end(), out.public_key.begin());
    return verification_key(out);
  };
  const auto& c = vectors["signatures"][5];
  owned_message m;
  test::read_into(m, vectors["messages"]["test-request"]);
  m.add("Signature-Input", "sig-b26=" + c["input"].as_string());
  m.add("Signature", "sig-b26=:" + c["signature"].as_string() + ":");
  verify_policy policy;
  policy.required = {{{"@method"}}, {{"@path"}}, {{"@authority"}}};
  policy.digest_required = false; // the example does not cover it
  CHECK(verify(m.view(), policy, 1618884473, resolve));
  m.path = "/fooo";
  CHECK(verify(m.view(), policy, 1618884473, resolve).error().code == "signature_wrong");
}

TEST_CASE("RFC 9421's B.4 verifies after harmless changes and not after others",
          "[httpsig][vector]") {
  const auto vectors = test::read_vectors("rfc9421-signatures.json");
  const auto key = from_hex(vectors["ed25519"]["public"].as_string()).value();
  const auto holds = [&](auto change) {
    owned_message m;
    test::read_into(m, vectors["messages"]["demo"]);
    m.add("Signature-Input", "transform=" + vectors["signatures"][7]["input"].as_string());
    m.add("Signature", "transform=:" + vectors["signatures"][7]["signature"].as_string() + ":");
    change(m);
    verify_policy policy;
    policy.required = {};
    return verify(m.view(), policy, 1618884473,
                  [&](std::string_view) -> result<verification_key> {
                    ed25519_verification_key out;
                    std::copy(key.begin(), key.end(), out.public_key.begin());
                    return verification_key(out);
                  })
        .has_value();
  };
  CHECK(holds([](owned_message&) {}));
  CHECK(holds([](owned_message& m) {
    m.add("Accept-Language", "en-US,en;q=0.5");
    m.query = *m.query + "&param=added";
  }));
  CHECK(holds([](owned_message& m) {
    m.headers.erase(m.headers.begin() + 1, m.headers.begin() + 4); // Date, and both Accept
    m.add("Accept", "application/json, */*");
  }));
  CHECK(holds([](owned_message& m) {
    std::rotate(m.headers.begin(), m.headers.begin() + 2, m.headers.end());
  }));
  CHECK_FALSE(holds([](owned_message& m) { m.method = "POST", m.authority = "example.com"; }));
  CHECK_FALSE(holds([](owned_message& m) { std::swap(m.headers[2], m.headers[3]); }));
}

TEST_CASE("any change of a covered part is refused", "[httpsig][property]") {
  auto signed_one = post();
  sign_into(signed_one);
  REQUIRE(outcome(signed_one) == "verified");
  const auto refused_for_every_flip = [&](auto part) {
    auto m = signed_one;
    auto& text = part(m);
    for (std::size_t i = 0; i < text.size(); ++i)
      for (char bit : {1, 4, 64}) {
        const char before = text[i];
        text[i] = char(before ^ bit);
        CAPTURE(text, i, int(bit));
        REQUIRE(outcome(m) != "verified");
        text[i] = before;
      }
    REQUIRE(outcome(m) == "verified");
  };
  refused_for_every_flip([](owned_message & m) -> auto& { return m.method; });
  refused_for_every_flip([](owned_message & m) -> auto& { return m.authority; });
  refused_for_every_flip([](owned_message & m) -> auto& { return m.scheme; });
  refused_for_every_flip([](owned_message & m) -> auto& { return m.path; });
  refused_for_every_flip([](owned_message & m) -> auto& { return *m.query; });
  refused_for_every_flip([](owned_message & m) -> auto& { return m.body; });
  for (const auto* name : {"Content-Digest", "Content-Type", "Signature-Input", "Signature"})
    refused_for_every_flip([&](owned_message & m) -> auto& { return m.value_of(name); });
  auto uncovered = signed_one;
  uncovered.value_of("Host") = "other";
  CHECK(outcome(uncovered) == "verified");
}

TEST_CASE("what was signed by chance verifies, and by another key never", "[httpsig][property]") {
  seeded_random chance(9);
  const std::vector<component> parts{"@method",
                                     "@target-uri",
                                     "@authority",
                                     "@scheme",
                                     "@path",
                                     "@query",
                                     "@request-target",
                                     "content-type",
                                     "host",
                                     component("content-digest", {{"sf", true}})};
  for (int round = 0; round < 200; ++round) {
    auto m = post();
    m.method = chance.below(2) ? "GET" : "POST";
    m.path = "/" + std::to_string(chance.next());
    if (chance.below(2)) m.query.reset();
    std::vector<component> covered{"@method", "@target-uri", "content-digest"};
    for (const auto& p : parts)
      if (chance.below(2) && std::find(covered.begin(), covered.end(), p) == covered.end())
        covered.insert(covered.begin() + std::ptrdiff_t(chance.below(covered.size() + 1)), p);
    auto forged = m;
    sign_into(m, recent(), covered);
    sign_into(forged, recent(), covered, mallory);
    REQUIRE(outcome(m) == "verified");
    REQUIRE(outcome(forged) == "signature_wrong");
  }
}

TEST_CASE("the fields cut at any byte are refused", "[httpsig][unit]") {
  auto signed_one = post();
  sign_into(signed_one);
  for (const auto* name : {"Signature-Input", "Signature", "Content-Digest"}) {
    const auto all = signed_one.value_of(name);
    for (std::size_t size = 0; size < all.size(); ++size) {
      auto m = signed_one;
      m.value_of(name).resize(size);
      REQUIRE(outcome(m) != "verified");
    }
  }
}

TEST_CASE("a request that is not signed, or half of it, is refused", "[httpsig][unit]") {
  auto m = post();
  CHECK(outcome(m) == "signature_missing");
  sign_into(m);
  auto without_input = m, without_signature = m, empty = m, other_label = m;
  without_input.value_of("Signature-Input").clear();
  CHECK(outcome(without_input) == "signature_missing");
  std::erase_if(without_input.headers, [](auto& h) { return h.first == "Signature-Input"; });
  CHECK(outcome(without_input) == "signature_malformed");
  std::erase_if(without_signature.headers, [](auto& h) { return h.first == "Signature"; });
  CHECK(outcome(without_signature) == "signature_malformed");
  other_label.value_of("Signature").replace(0, 4, "sig2");
  CHECK(outcome(other_label) == "signature_malformed");
  auto more = m;
  more.add("Signature", "sig2=:AAAA:");
  CHECK(outcome(more) == "signature_malformed");
  for (const auto* input : {"sig1", "sig1=1", "sig1=\"@method\"", "sig1=(", "sig1=(x)",
                            "sig1=(\"@method\" \"@method\")", "sig1=();created=\"x\"",
                            "sig1=();keyid=\"a\";keyid=\"b\"", "\x01"}) {
    auto bad = m;
    bad.value_of("Signature-Input") = input;
    CAPTURE(input);
    CHECK(outcome(bad) == "signature_malformed");
  }
  for (const auto* signature : {"sig1", "sig1=1", "sig1=(:AAAA:)", "sig1=\"AAAA\"", "sig1=:A:"}) {
    auto bad = m;
    bad.value_of("Signature") = signature;
    CAPTURE(signature);
    CHECK(outcome(bad) == "signature_malformed");
  }
  auto twice = m; // the same label again, in a line of its own
  twice.add("Signature-Input", m.value_of("Signature-Input"));
  twice.add("Signature", m.value_of("Signature"));
  CHECK(outcome(twice) == "signature_malformed");
  auto response = m;
  response.status = 200;
  CHECK(outcome(response) == "not_a_request");
}

TEST_CASE("a signature is accepted within its time, to the second", "[httpsig][unit]") {
  const verify_policy policy{.created_age_max = 300, .clock_skew_max = 30};
  const auto at = [&](const signature_params& params, unix_seconds when) {
    auto m = post();
    return outcome(sign_into(m, params), policy, when);
  };
  signature_params params{.created = now, .keyid = alice_id};
  CHECK(at(params, now) == "verified");
  CHECK(at(params, now + 330) == "verified");
  CHECK(at(params, now + 331) == "signature_too_old");
  CHECK(at(params, now - 30) == "verified");
  CHECK(at(params, now - 31) == "signature_from_future");
  params.expires = now + 60;
  CHECK(at(params, now + 90) == "verified");
  CHECK(at(params, now + 91) == "signature_expired");
  params.expires = now + 100'000; // an expiry further off does not stretch the window
  CHECK(at(params, now + 331) == "signature_too_old");
  params.expires = now - 1;
  CHECK(at(params, now) == "signature_malformed");
  params.expires.reset();
  for (auto far : {-sf::integer_max, sf::integer_max}) {
    params.created = far;
    CHECK(at(params, now) == (far < 0 ? "signature_too_old" : "signature_from_future"));
  }
  params.created.reset();
  CHECK(at(params, now) == "created_missing");
}

TEST_CASE("what has to be covered has to be covered", "[httpsig][unit]") {
  const auto covering = [&](const std::vector<component>& covered, auto change) {
    auto m = post();
    change(m);
    return outcome(sign_into(m, recent(), covered));
  };
  const auto as_it_is = [](owned_message&) {};
  const auto bodiless = [](owned_message& m) { m.body.clear(), m.headers.clear(); };
  CHECK(covering({"@target-uri", "content-digest"}, as_it_is) == "not_covered");
  CHECK(covering({"@method", "content-digest"}, as_it_is) == "not_covered");
  CHECK(covering({"@method", "@path", "@query", "content-digest"}, as_it_is) == "not_covered");
  CHECK(covering({"@method", "@authority", "@path", "content-digest"}, as_it_is) == "not_covered");
  CHECK(covering({"@method", "@authority", "@path", "@query", "content-digest"}, as_it_is) ==
        "verified");
  CHECK(covering({"@method", "@authority", "@request-target", "content-digest"}, as_it_is) ==
        "verified");
  CHECK(covering({"@method", "@target-uri"}, as_it_is) == "not_covered");
  CHECK(covering({"@method", "@target-uri", component("content-digest", {{"sf", true}})},
                 as_it_is) == "verified");
  CHECK(covering({"@method", "@target-uri", component("content-digest", {{"bs", true}})},
                 as_it_is) == "verified");
  // One digest of several is not the field.
  CHECK(covering({"@method", "@target-uri", component("content-digest", {{"key", "sha-256"}})},
                 as_it_is) == "not_covered");
  CHECK(covering({"@method", "@target-uri"}, bodiless) == "verified");
  CHECK(covering({}, bodiless) == "not_covered");

  verify_policy with_date;
  with_date.required.push_back({{"date"}});
  auto m = post();
  sign_into(m);
  CHECK(outcome(m, with_date) == "not_covered");
  CHECK(verify(m.view(), with_date, now, resolve_did_key).error().context ==
        "the signature 'sig1' has to cover \"date\"");
}

TEST_CASE("the digest of a body must be there and right", "[httpsig][unit]") {
  auto missing = post();
  std::erase_if(missing.headers, [](auto& h) { return h.first == "Content-Digest"; });
  sign_into(missing, recent(), {"@method", "@target-uri"});
  CHECK(outcome(missing) == "digest_missing");

  auto changed = post();
  sign_into(changed);
  changed.body += " ";
  CHECK(outcome(changed) == "digest_wrong");
  changed.body.clear(); // a body that was cut off
  CHECK(outcome(changed) == "digest_wrong");
  CHECK(outcome(changed, {.digest_required = false}) == "verified");

  auto unknown = post();
  unknown.value_of("Content-Digest") = "md5=:Sd/dVLAcvNLSq16eXua5uQ==:";
  CHECK(outcome(sign_into(unknown)) == "digest_unknown");
  auto malformed = post();
  malformed.value_of("Content-Digest") = "sha-256=abc";
  CHECK(outcome(sign_into(malformed)) == "digest_malformed");
}

TEST_CASE("a key that is unknown, missing or of another kind is refused", "[httpsig][unit]") {
  auto m = post();
  auto params = recent();
  params.keyid = "did:web:example.org#key";
  CHECK(outcome(sign_into(m, params)) == "key_unknown");
  m = post();
  params.keyid.reset();
  CHECK(outcome(sign_into(m, params)) == "keyid_missing");
  m = post();
  params = recent();
  params.keyid = alice_id + "x"; // a fragment that is not the key's
  CHECK(outcome(sign_into(m, params)) == "key_unknown");

  m = post();
  sign_into(m);
  const auto with = [&](errc category) {
    return verify(m.view(), {}, now,
                  [&](std::string_view) -> result<verification_key> {
                    return fail(category, "fetching", "the document is being fetched");
                  })
        .error();
  };
  CHECK(with(errc::unavailable).code == "fetching");
  CHECK(with(errc::timeout).category == errc::timeout);
  CHECK(with(errc::forbidden).code == "key_unknown");
  CHECK(with(errc::not_found).category == errc::unauthenticated);
}

TEST_CASE("an algorithm that is not allowed, unknown, or not the key's is refused",
          "[httpsig][unit]") {
  auto m = post();
  auto params = recent();
  params.alg = "ed25519";
  CHECK(outcome(sign_into(m, params)) == "verified");
  CHECK(outcome(m, {.algorithms = {}}) == "algorithm_refused");
  CHECK(outcome(m, {.algorithms = {"rsa-pss-sha512"}}) == "algorithm_refused");
  auto& input = m.value_of("Signature-Input");
  const auto place = input.find("\"ed25519\"");
  input.replace(place, 9, "\"hmac-sha256\"");
  CHECK(outcome(m) == "algorithm_refused");
  CHECK(outcome(m, {.algorithms = {"ed25519", "hmac-sha256"}}) == "algorithm_refused");

  auto unnamed = post(); // no alg: the key says it
  sign_into(unnamed);
  CHECK(outcome(unnamed, {.algorithms = {"rsa-pss-sha512"}}) == "algorithm_refused");
  CHECK(find_algorithm("ed25519") == &algorithms()[0]);
  CHECK(find_algorithm("none") == nullptr);
}

TEST_CASE("signatures of another size than the algorithm's are wrong", "[httpsig][unit]") {
  auto m = post();
  sign_into(m);
  m.value_of("Signature") = "sig1=::";
  CHECK(outcome(m) == "signature_wrong");
  m.value_of("Signature") = "sig1=:AAAA:";
  CHECK(outcome(m) == "signature_wrong");
}

TEST_CASE("of several signatures the wanted one is taken", "[httpsig][unit]") {
  auto m = post();
  auto params = recent();
  params.tag = "other-app";
  sign_into(m, params, {"@method"}, mallory, "first"); // covers too little, and is wrong
  params.tag = "kith";
  params.nonce = "n-2";
  sign_into(m, params, whole, alice, "second");
  auto verified = verify(m.view(), {}, now, resolve_did_key);
  REQUIRE(verified);
  CHECK(verified->label() == "second");
  CHECK(outcome(m, {.tag = "kith"}) == "verified");
  CHECK(outcome(m, {.tag = "other-app"}) == "not_covered");
  CHECK(outcome(m, {.tag = "third"}) == "signature_missing");
  CHECK(wanted_keyids(m.view(), {}, now).value() == std::vector<std::string>{alice_id});
  CHECK(wanted_keyids(m.view(), {.tag = "third"}, now).error().code == "signature_missing");
}

TEST_CASE("no more signatures are tried than the policy allows, and no key is asked for a hopeless "
          "one",
          "[httpsig][unit]") {
  auto m = post();
  for (std::size_t i = 0; i < signatures_max - 1; ++i)
    sign_into(m, recent(), whole, mallory, "bad" + std::to_string(i));
  sign_into(m, recent(), whole, alice, "good");
  std::size_t asked = 0;
  const auto counting = [&](std::string_view keyid) {
    ++asked;
    return resolve_did_key(keyid);
  };
  CHECK(verify(m.view(), {}, now, counting).error().code == "signature_wrong");
  CHECK(asked == verify_policy().attempts_max);
  CHECK(verify(m.view(), {.attempts_max = 8}, now, counting));
  asked = 0;
  CHECK_FALSE(verify(m.view(), {}, now + 10'000, counting));
  CHECK_FALSE(verify(m.view(), {.tag = "x"}, now, counting));
  CHECK_FALSE(verify(post().view(), {}, now, counting));
  CHECK(asked == 0);
  sign_into(m = post(), recent());
  m.add("Signature-Input", "x=()");
  CHECK(outcome(m) == "signature_malformed");
}

TEST_CASE("what is larger than a limit is refused", "[httpsig][unit]") {
  const auto with = [&](auto change) {
    auto m = post();
    auto params = recent();
    change(params, m);
    return outcome(sign_into(m, params));
  };
  CHECK(with([](auto& p, auto&) { p.nonce = std::string(nonce_size_max, 'n'); }) == "verified");
  CHECK(with([](auto& p, auto&) { p.nonce = std::string(nonce_size_max + 1, 'n'); }) ==
        "signature_too_large");
  CHECK(with([](auto& p, auto&) { p.tag = std::string(nonce_size_max + 1, 'n'); }) ==
        "signature_too_large");
  CHECK(with([](auto& p, auto&) { p.keyid = std::string(keyid_size_max + 1, 'k'); }) ==
        "signature_too_large");
  CHECK(with([](auto& p, auto&) { p.keyid = std::string(signature_field_size_max, 'k'); }) ==
        "signature_too_large");
  auto m = post();
  for (std::size_t i = 0; i < signatures_max; ++i)
    sign_into(m, recent(), whole, alice, "s" + std::to_string(i));
  CHECK(outcome(m) == "verified");
  m.add("Signature-Input", "more=()");
  m.add("Signature", "more=:AAAA:");
  CHECK(outcome(m) == "signature_too_large");
  auto large = post();
  sign_into(large);
  large.value_of("Signature") = "sig1=:" + std::string(4 * (signature_size_max / 3 + 2), 'A') + ":";
  CHECK(outcome(large) == "signature_too_large");
}

TEST_CASE("a covered component that the request does not have is the sender's mistake",
          "[httpsig][unit]") {
  auto m = post();
  m.add("X-Extra", "1");
  auto covered = whole;
  covered.push_back("x-extra");
  sign_into(m, recent(), covered);
  CHECK(outcome(m) == "verified");
  std::erase_if(m.headers, [](auto& h) { return h.first == "X-Extra"; });
  auto refused = verify(m.view(), {}, now, resolve_did_key).error();
  CHECK(refused.code == "bad_component");
  CHECK(refused.category == errc::malformed);
}

TEST_CASE("a nonce may be required", "[httpsig][unit]") {
  auto m = post();
  sign_into(m, {.created = now, .keyid = alice_id});
  CHECK(outcome(m) == "verified");
  CHECK(outcome(m, {.nonce_required = true}) == "nonce_missing");
  m = post();
  sign_into(m, {.created = now, .keyid = alice_id, .nonce = ""});
  CHECK(outcome(m, {.nonce_required = true}) == "nonce_missing");
}

TEST_CASE("a copy of a request is known by its nonce, or else by all that was signed",
          "[httpsig][unit]") {
  seeded_random chance(3);
  replay_cache cache({}, chance);
  const auto take = [&](const owned_message& m, unix_seconds at = now) {
    auto verified = verify(m.view(), {}, at, resolve_did_key);
    REQUIRE(verified);
    auto taken = check_replay(cache, *verified, at);
    return taken ? "taken" : taken.error().code;
  };
  auto m = post();
  sign_into(m);
  CHECK(take(m) == "taken");
  CHECK(take(m) == "replayed");
  auto same_nonce = post();
  same_nonce.path = "/other";
  CHECK(take(sign_into(same_nonce)) == "replayed");
  auto other_signer = post();
  auto params = recent();
  params.keyid = did_key_url(mallory.public_key());
  CHECK(take(sign_into(other_signer, params, whole, mallory)) == "taken");

  const signature_params bare{.created = now, .keyid = alice_id};
  auto no_nonce = post(), other_path = post(), other_label = post();
  other_path.path = "/other";
  CHECK(take(sign_into(no_nonce, bare)) == "taken");
  CHECK(take(no_nonce, now + 330) == "replayed"); // as long as it is acceptable
  CHECK(take(sign_into(other_label, bare, whole, alice, "copy")) == "replayed");
  CHECK(take(sign_into(other_path, bare)) == "taken");
}

TEST_CASE("a full replay cache refuses, and says to come again", "[httpsig][unit]") {
  seeded_random chance(3);
  replay_cache cache({.count_max = 1}, chance);
  auto first = post(), second = post();
  auto params = recent();
  sign_into(first, params);
  params.nonce = "n-2";
  sign_into(second, params);
  CHECK(check_replay(cache, *verify(first.view(), {}, now, resolve_did_key), now));
  auto refused = check_replay(cache, *verify(second.view(), {}, now, resolve_did_key), now);
  CHECK(refused.error().code == "replay_cache_full");
  CHECK(refused.error().category == errc::overloaded);
}

TEST_CASE("a did:key is its own key, as DID and as the URL of its one method", "[httpsig][unit]") {
  const verification_key expected = ed25519_verification_key{alice.public_key()};
  const auto did_text = alice_id.substr(0, alice_id.find('#'));
  CHECK(resolve_did_key(alice_id).value() == expected);
  CHECK(resolve_did_key(did_text).value() == expected);
  for (const auto& keyid :
       {did_text + "#", did_text + "#key-1", alice_id + "#", std::string("did:key:z6Mk"),
        std::string(), std::string("did:web:example.org"), std::string("#") + did_text,
        did_text + "/path", did_text + "?q"}) {
    CAPTURE(keyid);
    CHECK(resolve_did_key(keyid).error().code == "key_unknown");
  }
}
