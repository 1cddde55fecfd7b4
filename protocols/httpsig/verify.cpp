// The checks of a signature, the cheap ones first: what a stranger can send costs no key look-up,
// what has no good signature no hashing of a body.
#include "protocols/httpsig/verify.hpp"

#include "protocols/httpsig/content_digest.hpp"
#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace kith::httpsig {
namespace {

tl::unexpected<error> refuse(std::string code, std::string why) {
  return fail(errc::unauthenticated, std::move(code), std::move(why));
}

const component digest_component = "content-digest";

bool is_covered(const std::vector<component>& covered, const component& wanted) {
  const auto counts = [&](const component& c) {
    if (c == wanted) return true;
    if (c.derived() || c.name() != wanted.name() || !wanted.params().empty()) return false;
    return std::all_of(c.params().begin(), c.params().end(),
                       [](auto& p) { return p.key == "sf" || p.key == "bs"; });
  };
  return std::any_of(covered.begin(), covered.end(), counts);
}

std::string text_of(const std::vector<component>& components) {
  std::string out;
  for (const auto& c : components)
    out += (out.empty() ? "" : " ") + c.identifier().value_or(c.name());
  return out;
}

result<> check_coverage(const labelled_signature& s, const std::vector<coverage_choice>& required) {
  for (const auto& choice : required) {
    const auto met = [&](const std::vector<component>& set) {
      return std::all_of(set.begin(), set.end(), [&](auto& c) { return is_covered(s.covered, c); });
    };
    if (std::any_of(choice.begin(), choice.end(), met)) continue;
    std::string wanted;
    for (const auto& set : choice) wanted += (wanted.empty() ? "" : ", or ") + text_of(set);
    return refuse("not_covered", "the signature '" + shown(s.label) + "' has to cover " + wanted);
  }
  return {};
}

result<> check_digest_coverage(const labelled_signature& s, const message_view& message,
                               const verify_policy& policy) {
  if (message.body.empty() || !policy.digest_required) return {};
  if (count_field(message, digest_component.name()) == 0)
    return refuse("digest_missing", "the request has a body and no field Content-Digest");
  if (!is_covered(s.covered, digest_component))
    return refuse("not_covered", "the request has a body, and the signature '" + shown(s.label) +
                                     "' does not cover content-digest");
  return {};
}

unix_seconds acceptable_until(const signature_params& params, const verify_policy& policy) {
  auto until = *params.created + policy.created_age_max;
  if (params.expires) until = std::min(until, *params.expires);
  return until + policy.clock_skew_max;
}

// Numbers from outside have at most 15 digits, so no sum here overflows.
result<> check_times(const signature_params& params, const verify_policy& policy,
                     unix_seconds now) {
  if (!params.created)
    return refuse("created_missing", "the signature does not say when it was made (created)");
  if (params.expires && *params.expires < *params.created)
    return fail(errc::malformed, "signature_malformed", "the signature expires before it was made");
  if (*params.created > now + policy.clock_skew_max)
    return refuse("signature_from_future",
                  "the signature was made " + std::to_string(*params.created - now) +
                      " seconds ahead of this clock: set the sender's clock");
  if (params.expires && now > *params.expires + policy.clock_skew_max)
    return refuse("signature_expired", "the signature expired " +
                                           std::to_string(now - *params.expires) + " seconds ago");
  if (now > acceptable_until(params, policy))
    return refuse("signature_too_old", "the signature was made " +
                                           std::to_string(now - *params.created) +
                                           " seconds ago, and is accepted for " +
                                           std::to_string(policy.created_age_max));
  return {};
}

bool is_allowed(const verify_policy& policy, std::string_view name) {
  return std::find(policy.algorithms.begin(), policy.algorithms.end(), name) !=
         policy.algorithms.end();
}

// All that can be said of a signature without its key.
result<> check_claim(const labelled_signature& s, const message_view& message,
                     const verify_policy& policy, unix_seconds now) {
  if (!s.params.keyid || s.params.keyid->empty())
    return refuse("keyid_missing", "the signature does not say whose it is (keyid)");
  if (policy.nonce_required && (!s.params.nonce || s.params.nonce->empty()))
    return refuse("nonce_missing", "the signature has no nonce");
  KITH_TRY(check_times(s.params, policy, now));
  KITH_TRY(check_coverage(s, policy.required));
  KITH_TRY(check_digest_coverage(s, message, policy));
  if (s.params.alg && (!is_allowed(policy, *s.params.alg) || !find_algorithm(*s.params.alg)))
    return refuse("algorithm_refused",
                  "signatures by '" + shown(*s.params.alg) + "' are not accepted here");
  return {};
}

// The signatures that are worth a key look-up; the first one's error if there is none.
result<std::vector<labelled_signature>> candidates(const message_view& message,
                                                   const verify_policy& policy, unix_seconds now) {
  if (message.is_response())
    return fail(errc::unsupported, "not_a_request", "only requests are verified");
  KITH_ASSIGN(auto all, read_signatures(message));
  std::vector<labelled_signature> out;
  std::optional<error> first;
  for (auto& s : all) {
    if (policy.tag && s.params.tag != policy.tag) continue;
    auto fits = check_claim(s, message, policy, now);
    if (!fits && !first) first = std::move(fits).error();
    if (fits && out.size() < policy.attempts_max) out.push_back(std::move(s));
  }
  if (!out.empty()) return out;
  if (first) return fail(*std::move(first));
  return refuse("signature_missing", "the message has no signature with the tag '" +
                                         shown(policy.tag.value_or("")) + "'");
}

result<verification_key> find_key(const std::string& keyid, const key_resolver& resolve) {
  auto key = resolve(keyid);
  if (key) return key;
  const auto category = key.error().category;
  if (category == errc::unavailable || category == errc::timeout || category == errc::overloaded)
    return key;
  auto why = std::move(key.error().context);
  return refuse("key_unknown", why.empty() ? "no key is known for '" + shown(keyid) + "'" : why);
}

// RFC 9421 section 3.2 step 6: what the signature says and what the key is must agree, and be
// allowed.
result<const algorithm*> choose_algorithm(const labelled_signature& s, const verification_key& key,
                                          const verify_policy& policy) {
  for (const auto& row : algorithms())
    if (row.fits(key) && is_allowed(policy, row.name) &&
        (!s.params.alg || *s.params.alg == row.name))
      return &row;
  return refuse("algorithm_refused",
                "the key '" + shown(*s.params.keyid) +
                    "' takes no algorithm that is accepted here" +
                    (s.params.alg ? ", or not '" + shown(*s.params.alg) + "'" : ""));
}

byte_array<32> make_replay_id(const labelled_signature& s, std::string_view base) {
  // The keyid's length keeps it apart from what follows, the first byte the one kind from the
  // other.
  bytes frame{std::uint8_t(s.params.nonce ? 1 : 2)};
  put_u32(frame, std::uint32_t(s.params.keyid->size()));
  return crypto::blake2b_256({frame, as_bytes(*s.params.keyid),
                              as_bytes(s.params.nonce ? std::string_view(*s.params.nonce) : base)});
}

// What the base could not be made of is the sender's mistake, whichever part of it: never "not
// found".
error as_sent(error e) {
  if (e.category == errc::not_found) e = {errc::malformed, "bad_component", std::move(e.context)};
  if (e.category == errc::unsupported) e.category = errc::malformed;
  return e;
}

} // namespace

// Named so that verified_request can say who makes it.
class verifier {
public:
  static result<verified_request> check(const labelled_signature& s, const message_view& message,
                                        const verify_policy& policy, const key_resolver& resolve) {
    auto base = signature_base(message, s.input);
    if (!base) return fail(as_sent(std::move(base).error()));
    KITH_ASSIGN(auto key, find_key(*s.params.keyid, resolve));
    KITH_ASSIGN(const auto* chosen, choose_algorithm(s, key, policy));
    if (!chosen->verify(key, as_bytes(*base), s.signature))
      return refuse("signature_wrong", "the signature '" + shown(s.label) + "' is not one of '" +
                                           shown(*s.params.keyid) + "' over this request");
    if (policy.digest_required && is_covered(s.covered, digest_component))
      KITH_TRY(check_content_digest(message));
    verified_request out;
    out.keyid_ = *s.params.keyid;
    out.label_ = s.label;
    out.algorithm_ = chosen->name;
    out.key_ = key;
    out.covered_ = s.covered;
    out.created_ = *s.params.created;
    out.acceptable_until_ = acceptable_until(s.params, policy);
    out.nonce_ = s.params.nonce;
    out.tag_ = s.params.tag;
    out.replay_id_ = make_replay_id(s, *base);
    return out;
  }
};

bool verified_request::covers(const component& c) const { return is_covered(covered_, c); }

result<verified_request> verify(const message_view& message, const verify_policy& policy,
                                unix_seconds now, const key_resolver& resolve) {
  KITH_ASSIGN(auto tried, candidates(message, policy, now));
  std::optional<error> first;
  for (const auto& s : tried) {
    auto verified = verifier::check(s, message, policy, resolve);
    if (verified) return verified;
    if (!first) first = std::move(verified).error();
  }
  return fail(*std::move(first));
}

result<std::vector<std::string>> wanted_keyids(const message_view& message,
                                               const verify_policy& policy, unix_seconds now) {
  KITH_ASSIGN(auto tried, candidates(message, policy, now));
  std::vector<std::string> out;
  for (const auto& s : tried)
    if (std::find(out.begin(), out.end(), *s.params.keyid) == out.end())
      out.push_back(*s.params.keyid);
  return out;
}

} // namespace kith::httpsig
