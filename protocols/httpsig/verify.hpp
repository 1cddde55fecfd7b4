// Verifies that a request was signed by the key that it names, recently, and over enough of it (RFC
// 9421 section 3.2). The order at the edge: verify, then decide whether that keyid may do this,
// then check_replay (replay_cache.hpp), so that strangers take no room in the cache.
#pragma once

#include "protocols/httpsig/algorithms.hpp"
#include "protocols/httpsig/signature_fields.hpp"

namespace kith::httpsig {

// At least one of these sets of components must be covered entirely.
using coverage_choice = std::vector<std::vector<component>>;

// What a verifier asks for.
struct verify_policy {
  // Each choice must be met. A field counts also when covered with sf or bs, else a component with
  // its very parameters. The default: the method, and the whole target.
  std::vector<coverage_choice> required = {
      {{"@method"}},
      {{"@target-uri"}, {"@authority", "@path", "@query"}, {"@authority", "@request-target"}}};
  // A message with a body has Content-Digest, covered and right; without a body it is right where
  // it is covered. false: the body is not looked at, because it is not read yet: then whoever reads
  // it asks covers("content-digest") and check_content_digest.
  bool digest_required = true;
  // Only signatures with this tag count; nullopt: a tag does not matter.
  std::optional<std::string> tag;
  std::vector<std::string> algorithms = {"ed25519"};
  // `created` is required. Seconds; the skew is allowed on top, at both ends and for `expires`.
  unix_seconds created_age_max = 300;
  unix_seconds clock_skew_max = 30;
  bool nonce_required = false;
  // Of several signatures that meet all this, at most so many are tried, in their order; each costs
  // a look-up of a key and a verification. The rest is passed over.
  std::size_t attempts_max = 3;
};

// What was verified, and when. Only verify() makes one.
class verified_request {
public:
  const std::string& keyid() const { return keyid_; } // as the signer wrote it
  const verification_key& key() const { return key_; }
  std::string_view algorithm() const { return algorithm_; } // "ed25519"
  const std::string& label() const { return label_; }
  const std::vector<component>& covered() const { return covered_; }
  bool covers(const component& c) const;
  unix_seconds created() const { return created_; }
  const std::optional<std::string>& nonce() const { return nonce_; }
  const std::optional<std::string>& tag() const { return tag_; }
  // When this signature will no longer be accepted under the policy that accepted it.
  unix_seconds acceptable_until() const { return acceptable_until_; }
  // What two sendings of one signed request have in common: a digest of the keyid with the nonce
  // or, where there is none, with all that was signed. (Not of the signature: of some algorithms a
  // stranger can make another valid one.)
  const byte_array<32>& replay_id() const { return replay_id_; }

private:
  friend class verifier;
  verified_request() = default;

  std::string keyid_, label_, algorithm_;
  verification_key key_;
  std::vector<component> covered_;
  unix_seconds created_ = 0, acceptable_until_ = 0;
  std::optional<std::string> nonce_, tag_;
  byte_array<32> replay_id_{};
};

// Verifies one signature of a request; if several meet the policy the first that holds is taken,
// and if none holds the error is the first one's. `now` is the wall clock's. Pure but for
// `resolve`.
//
// unauthenticated: "signature_missing" (none, or none with the tag), "keyid_missing",
// "created_missing", "nonce_missing", "signature_expired", "signature_too_old",
// "signature_from_future", "not_covered", "digest_missing", "digest_unknown", "digest_wrong",
// "key_unknown", "algorithm_refused", "signature_wrong"; malformed: "signature_malformed",
// "digest_malformed", "bad_component" and "bad_field"; too_large: "signature_too_large",
// "message_too_large"; unsupported "not_a_request"; what a resolver says of being busy or away. The
// context is a sentence that may be shown to the sender.
result<verified_request> verify(const message_view& message, const verify_policy& policy,
                                unix_seconds now, const key_resolver& resolve);

// The keyids that verify would ask the resolver for, in its order, each once: for whoever has to
// fetch keys before. The same errors, up to the look-up.
result<std::vector<std::string>> wanted_keyids(const message_view& message,
                                               const verify_policy& policy, unix_seconds now);

} // namespace kith::httpsig
