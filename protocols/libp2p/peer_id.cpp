// See peer_id.hpp. Multihash: a varint code (0 identity, 0x12 SHA-256), a varint length, the
// digest.
#include "protocols/libp2p/peer_id.hpp"

#include "runtime/crypto/base58.hpp"

#include <algorithm>
#include <cassert>

namespace kith::libp2p {

namespace {

// Field 1 (KeyType) = 1 (Ed25519), field 2 (Data) of 32 bytes.
constexpr std::uint8_t key_message_head[] = {0x08, 0x01, 0x12, 0x20};
constexpr std::uint8_t multihash_identity = 0x00, multihash_sha256 = 0x12;
constexpr std::uint64_t codec_libp2p_key = 0x72;

auto bad_id(std::string why) { return fail(errc::malformed, "bad_peer_id", std::move(why)); }

// RFC 4648 section 6, lower case, without padding; the trailing bits must be zero.
result<bytes> from_base32(std::string_view text) {
  bytes out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    int v = c >= 'a' && c <= 'z' ? c - 'a' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
    if (v < 0) return bad_id("not base32");
    buffer = buffer << 5 | std::uint32_t(v);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(std::uint8_t(buffer >> bits));
      buffer &= (1u << bits) - 1;
    }
  }
  if (bits >= 5 || buffer != 0) return bad_id("not base32");
  return out;
}

} // namespace

byte_array<public_key_message_size> public_key_message(const ed25519_public& key) {
  byte_array<public_key_message_size> out;
  auto body = std::copy(std::begin(key_message_head), std::end(key_message_head), out.begin());
  std::copy(key.begin(), key.end(), body);
  return out;
}

result<ed25519_public> parse_public_key_message(byte_view message) {
  if (message.size() >= 2 && message[0] == 0x08 && message[1] != 0x01 && message[1] <= 3)
    return fail(errc::unsupported, "key_type", "only Ed25519 identities are spoken to");
  if (message.size() != public_key_message_size ||
      !equal(message.first(sizeof key_message_head), key_message_head))
    return fail(errc::malformed, "bad_public_key", "not the key message of an Ed25519 key");
  ed25519_public key;
  std::copy(message.begin() + sizeof key_message_head, message.end(), key.begin());
  return key;
}

peer_id peer_id::from_key(const ed25519_public& key) {
  bytes out{multihash_identity, public_key_message_size};
  append(out, public_key_message(key));
  return peer_id(std::move(out));
}

result<peer_id> peer_id::from_did(const did& d) {
  auto key = d.ed25519();
  if (!key) return fail(errc::unsupported, "key_type", "no Ed25519 did:key: " + d.text());
  return from_key(*key);
}

result<peer_id> peer_id::from_multihash(byte_view multihash) {
  if (multihash.size() > multihash_size_max) return bad_id("too long");
  byte_reader in(multihash);
  auto code = in.varint();
  auto digest = in.prefixed(multihash_size_max);
  if (!in.ok() || !in.at_end()) return bad_id("not a multihash");
  if (code == multihash_sha256 ? digest.size() != 32 : code != multihash_identity || digest.empty())
    return bad_id("neither a SHA-256 nor an identity multihash");
  return peer_id(to_bytes(multihash));
}

result<peer_id> peer_id::parse(std::string_view text) {
  if (text.size() > 2 * multihash_size_max) return bad_id("too long");
  if (text.substr(0, 1) == "1" || text.substr(0, 2) == "Qm") {
    auto multihash = crypto::base58btc_decode(text);
    if (!multihash) return bad_id(multihash.error().context);
    return from_multihash(*multihash);
  }
  if (text.substr(0, 1) != "b") return bad_id("neither base58btc nor a CID in base32");
  KITH_ASSIGN(auto cid, from_base32(text.substr(1)));
  byte_reader in(cid);
  if (in.varint() != 1 || in.varint() != codec_libp2p_key || !in.ok())
    return bad_id("not a CIDv1 of a libp2p key");
  return from_multihash(in.rest());
}

std::string peer_id::text() const {
  auto text = crypto::base58btc_encode(multihash_);
  assert(text); // multihash_size_max is far below its limit
  return std::move(*text);
}

std::optional<ed25519_public> peer_id::key() const {
  if (multihash_.size() != 2 + public_key_message_size || multihash_[0] != multihash_identity)
    return std::nullopt;
  auto key = parse_public_key_message(byte_view(multihash_).subspan(2));
  if (!key) return std::nullopt;
  return *key;
}

result<did> peer_id::to_did() const {
  auto k = key();
  if (!k)
    return fail(errc::unsupported, "key_type", "not the peer id of an Ed25519 key: " + text());
  return did::from_key(*k);
}

} // namespace kith::libp2p
