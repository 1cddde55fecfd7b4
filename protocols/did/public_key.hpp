// A public key as documents carry it: typed, and known to be a valid point. Its forms are Multikey
// (Controlled Identifiers 1.0 section 2.2.2: multibase of a multicodec varint and the raw key) and
// JSON Web Key (RFC 7517, RFC 8037, RFC 8812).
#pragma once

#include "runtime/identity/did.hpp"

#include <kith/json.hpp>
#include <optional>

namespace kith::dids {

enum class key_type : std::uint8_t { ed25519, x25519, secp256k1, p256 };
std::string_view to_string(key_type type); // "Ed25519", as a JSON Web Key's "crv" names it

// Only checked keys exist, so whoever holds one need not look again. Thread-safe.
class public_key {
public:
  static constexpr std::size_t multibase_size_max = 128; // characters; longer is refused

  // 32 bytes for Ed25519 and X25519; a point of the others in either form of SEC 1, kept
  // compressed. malformed "bad_key_length"; malformed "bad_public_key" for what is no point of the
  // curve, and for a point of small order.
  static result<public_key> from_raw(key_type type, byte_view raw);
  // A multicodec varint (minimal), then the raw key; points compressed. Errors as from_raw, and
  // malformed "bad_multicodec"; unsupported "key_type" for the multicodec of another kind of key.
  static result<public_key> from_multicodec(byte_view coded);
  // Multibase z (base58btc) or f (base16, lower case), which did:nostr has. Errors as
  // from_multicodec, and malformed "bad_multibase".
  static result<public_key> from_multibase(std::string_view text);
  // Errors as from_raw, and malformed "bad_jwk" (also for one with its private part); unsupported
  // "key_type".
  static result<public_key> from_jwk(const json& jwk);

  key_type type() const { return type_; }
  byte_view raw() const { return {raw_.data(), raw_size()}; } // 32 or 33 bytes
  std::optional<ed25519_public> ed25519() const;

  bytes multicodec() const;
  std::string multibase() const; // z...
  json jwk() const;              // without "kid"

  bool operator==(const public_key&) const = default;

private:
  public_key(key_type type, byte_view raw);
  std::size_t raw_size() const;

  key_type type_;
  byte_array<33> raw_{}; // what is not used stays 0
};

// The X25519 key that belongs to an Ed25519 key (RFC 7748 section 4.1); nothing for another type.
std::optional<public_key> derive_key_agreement(const public_key& key);

// Base64url without padding (RFC 4648 section 5), strictly; malformed "bad_base64url".
result<bytes> from_base64url(std::string_view text);
std::string to_base64url(byte_view b);

} // namespace kith::dids
