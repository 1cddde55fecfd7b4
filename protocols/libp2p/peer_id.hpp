// A libp2p peer id (libp2p/specs peer-ids/peer-ids.md): the multihash of a public key. Kith's are
// Ed25519, whose 36-byte key message stands in the id itself (identity multihash), so that peer id,
// did:key and key are one thing three ways.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/identity/did.hpp"

#include <optional>
#include <string>

namespace kith::libp2p {

inline constexpr std::size_t public_key_message_size = 36; // 4 bytes of protobuf, 32 of Ed25519 key

// The protobuf PublicKey message of an Ed25519 key, in its one deterministic form.
byte_array<public_key_message_size> public_key_message(const ed25519_public& key);
// Errors: unsupported "key_type" (RSA, secp256k1, ECDSA); malformed "bad_public_key".
result<ed25519_public> parse_public_key_message(byte_view message);

class peer_id {
public:
  static constexpr std::size_t multihash_size_max = 64;

  static peer_id from_key(const ed25519_public& key);
  // Errors: unsupported "key_type": not a did:key of an Ed25519 key.
  static result<peer_id> from_did(const did& d);
  // "12D3KooW..." or "Qm...": base58btc of the multihash; a CID in base32 ("bafz...") is read too.
  // Errors: malformed "bad_peer_id".
  static result<peer_id> parse(std::string_view text);
  // Errors: malformed "bad_peer_id".
  static result<peer_id> from_multihash(byte_view multihash);

  // base58btc.
  std::string text() const;
  byte_view multihash() const { return multihash_; }
  // nullopt where the id holds only a hash, or a key of another kind.
  std::optional<ed25519_public> key() const;
  // Errors: unsupported "key_type".
  result<did> to_did() const;

  bool operator==(const peer_id&) const = default;

private:
  explicit peer_id(bytes multihash) : multihash_(std::move(multihash)) {}

  bytes multihash_;
};

} // namespace kith::libp2p
