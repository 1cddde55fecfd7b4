// The signature algorithms (RFC 9421 section 3.3) and the keys that they take. A table: another
// algorithm is a row, another kind of key an alternative of the variant. draft-cavage's "hs2019" is
// no row: there the key alone says which.
#pragma once

#include "runtime/crypto/ed25519.hpp"

#include <functional>
#include <memory>
#include <string_view>
#include <variant>

namespace kith::httpsig {

struct ed25519_verification_key {
  byte_array<32> public_key; // raw
  bool operator==(const ed25519_verification_key&) const = default;
};
using verification_key = std::variant<ed25519_verification_key>;

struct algorithm {
  std::string_view name; // of the HTTP Signature Algorithms registry
  bool (*fits)(const verification_key& key);
  // False also for a signature of another size. `key` must fit. Thread-safe.
  bool (*verify)(const verification_key& key, byte_view base, byte_view signature);
};
std::span<const algorithm> algorithms();
// nullptr for one that is unknown.
const algorithm* find_algorithm(std::string_view name);

// What makes signatures. Implementations are thread-safe to use.
class signer {
public:
  virtual ~signer() = default;
  virtual std::string_view algorithm() const = 0; // as in the table above
  // The signature's bytes; errors are the signer's own: a key that is locked, say.
  virtual result<bytes> sign(byte_view base) const = 0;
};

// RFC 9421 section 3.3.6. Takes a copy of the key.
class ed25519_signer final : public signer {
public:
  explicit ed25519_signer(const crypto::ed25519_key& key) : key_(key.clone()) {}
  std::string_view algorithm() const override { return "ed25519"; }
  result<bytes> sign(byte_view base) const override { return to_bytes(key_.sign(base)); }

private:
  crypto::ed25519_key key_;
};

// Says which key a keyid stands for. It is asked before a signature is checked, so by anyone: it
// should answer from what it has, and bound what it fetches. An error of category unavailable,
// timeout or overloaded is handed on as it is; any other becomes "key_unknown".
using key_resolver = std::function<result<verification_key>(std::string_view keyid)>;

// The key of a did:key (Ed25519), or of its one verification method: did:key:z6Mk...#z6Mk....
// not_found "key_unknown" for anything else.
result<verification_key> resolve_did_key(std::string_view keyid);
// "did:key:z6Mk...#z6Mk...".
std::string did_key_url(const byte_array<32>& public_key);

} // namespace kith::httpsig
