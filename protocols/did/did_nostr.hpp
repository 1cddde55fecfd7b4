// did:nostr 0.0.12 (https://nostrcg.github.io/did-nostr/): the DID is an x-only public key of
// secp256k1 (BIP-340) in hexadecimal. Its Multikey is in base16: "f", e701, 02, the key.
#pragma once

#include "protocols/did/document.hpp"

namespace kith::dids {

using nostr_key = byte_array<32>;

// 64 hexadecimal digits of either case; whether it is a key, check_nostr_key says. malformed
// "bad_hex_length", "bad_hex".
result<nostr_key> parse_nostr_key(std::string_view hex);
// malformed "bad_public_key" unless it is the x of a point.
result<void> check_nostr_key(const nostr_key& key);

enum class parity : std::uint8_t { any, even }; // BIP-340 itself knows only the even one
std::string nostr_multikey(const nostr_key& key);
// The other way; the key is not checked. malformed "bad_multibase", "bad_multicodec",
// "bad_key_length", "odd_parity".
result<nostr_key> parse_nostr_multikey(std::string_view text, parity allowed = parity::any);

did nostr_did(const nostr_key& key);
// The checked key of a did:nostr, which is 64 digits in lower case: malformed "bad_did",
// "bad_public_key".
result<nostr_key> nostr_key_of(const did& subject);

// What relays know of a key, for the enhanced and complete documents (sections 2.3.2 and 2.3.3).
struct nostr_details {
  std::vector<std::string> relays; // WebSocket URLs
  std::vector<std::string> also_known_as;
  std::vector<nostr_key> follows;
  json profile;                    // an object, or null
  std::optional<wall_ms> modified; // of the latest event that went in
};

// Without details the minimal document, which needs no network.
document nostr_document(const nostr_key& key, const nostr_details& details = {});

} // namespace kith::dids
