// The table of key types, and the checks that stand before the constructor.
#include "protocols/did/public_key.hpp"

#include "runtime/base/base64.hpp"
#include "runtime/crypto/base58.hpp"
#include "runtime/crypto/ed25519.hpp"
#include "runtime/crypto/p256.hpp"
#include "runtime/crypto/secp256k1.hpp"
#include "runtime/crypto/x25519.hpp"

#include <algorithm>

namespace kith::dids {
namespace {

struct row {
  key_type type;
  std::uint64_t codec; // https://github.com/multiformats/multicodec/blob/master/table.csv
  std::size_t size;    // of the raw key
  std::string_view kty, crv;
};

constexpr row table[] = {{key_type::ed25519, 0xed, 32, "OKP", "Ed25519"},
                         {key_type::x25519, 0xec, 32, "OKP", "X25519"},
                         {key_type::secp256k1, 0xe7, 33, "EC", "secp256k1"},
                         {key_type::p256, 0x1200, 33, "EC", "P-256"}};

// Public keys of the same table that we do not read: BLS12-381, jwk_jcs, and the block that the
// other NIST curves, X448, RSA and the post-quantum keys are in. Anything else is no key at all.
bool is_foreign_key(std::uint64_t codec) {
  return codec == 0xea || codec == 0xeb || codec == 0xee || codec == 0xeb51 ||
         (codec > 0x1200 && codec <= 0x12ff);
}

const row& row_of(key_type type) { return table[std::size_t(type)]; }

byte_array<32> first_32(byte_view raw) {
  byte_array<32> out;
  std::memcpy(out.data(), raw.data(), out.size());
  return out;
}

// Every secret is a multiple of the cofactor, so that a point of small order gives zero with any of
// them; one is enough.
bool is_small_order(const byte_array<32>& key) {
  static const byte_array<32> any{9};
  return !crypto::x25519_key::from_secret(any).shared_secret(key);
}

// The key as it is kept: 32 bytes, or a point compressed.
result<bytes> check_raw(key_type type, byte_view raw) {
  auto bad_size = [&] {
    return fail(errc::malformed, "bad_key_length",
                std::to_string(raw.size()) + " bytes are no key of " +
                    std::string(row_of(type).crv));
  };
  auto no_point = [&] {
    return fail(errc::malformed, "bad_public_key",
                "it is no valid key of " + std::string(row_of(type).crv));
  };
  switch (type) {
  case key_type::ed25519:
    if (raw.size() != 32) return bad_size();
    if (!crypto::x25519_from_ed25519(first_32(raw))) return no_point();
    return to_bytes(raw);
  case key_type::x25519:
    if (raw.size() != 32) return bad_size();
    if (is_small_order(first_32(raw))) return no_point();
    return to_bytes(raw);
  case key_type::secp256k1: {
    if (raw.size() != 33 && raw.size() != 65) return bad_size();
    KITH_ASSIGN(auto point, crypto::secp256k1_compress(raw));
    return to_bytes(point);
  }
  case key_type::p256: {
    if (raw.size() != 33 && raw.size() != 65) return bad_size();
    KITH_ASSIGN(auto point, crypto::p256_compress(raw));
    return to_bytes(point);
  }
  }
  return no_point();
}

// A coordinate of a JSON Web Key: exactly 32 bytes.
result<bytes> coordinate(const json& jwk, std::string_view name) {
  const auto& v = jwk[name];
  if (!v.is_string())
    return fail(errc::malformed, "bad_jwk", "it has no '" + std::string(name) + "'");
  KITH_ASSIGN(auto b, from_base64url(v.as_string()));
  if (b.size() != 32)
    return fail(errc::malformed, "bad_jwk", "its '" + std::string(name) + "' is not 32 bytes");
  return b;
}

} // namespace

std::string_view to_string(key_type type) { return row_of(type).crv; }

public_key::public_key(key_type type, byte_view raw) : type_(type) {
  std::copy(raw.begin(), raw.end(), raw_.begin());
}

std::size_t public_key::raw_size() const { return row_of(type_).size; }

result<public_key> public_key::from_raw(key_type type, byte_view raw) {
  KITH_ASSIGN(auto kept, check_raw(type, raw));
  return public_key(type, kept);
}

result<public_key> public_key::from_multicodec(byte_view coded) {
  byte_reader in(coded);
  auto codec = in.varint();
  if (!in.ok())
    return fail(errc::malformed, "bad_multicodec", "it does not begin with a minimal varint");
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const row& r) { return r.codec == codec; });
  if (found == std::end(table) && is_foreign_key(codec))
    return fail(errc::unsupported, "key_type", "multicodec " + std::to_string(codec));
  if (found == std::end(table))
    return fail(errc::malformed, "bad_multicodec", "it is no multicodec of a public key");
  // A second form of the same key would be a second DID for it.
  if (in.left() != found->size)
    return fail(errc::malformed, "bad_key_length",
                std::to_string(in.left()) + " bytes are no key of " + std::string(found->crv));
  return from_raw(found->type, in.rest());
}

result<public_key> public_key::from_multibase(std::string_view text) {
  auto bad = [](const char* why) { return fail(errc::malformed, "bad_multibase", why); };
  if (text.empty() || text.size() > multibase_size_max) return bad("its size is out of bounds");
  auto rest = text.substr(1);
  if (text[0] == 'z') {
    auto decoded = crypto::base58btc_decode(rest);
    if (!decoded) return bad("it is not base58btc");
    return from_multicodec(*decoded);
  }
  if (text[0] != 'f') return bad("only the bases z and f are read");
  auto decoded = from_hex(rest);
  bool lower = std::none_of(rest.begin(), rest.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (!decoded || !lower) return bad("it is not base16 in lower case");
  return from_multicodec(*decoded);
}

result<public_key> public_key::from_jwk(const json& jwk) {
  if (!jwk.is_object()) return fail(errc::malformed, "bad_jwk", "it is no object");
  if (jwk.find("d")) return fail(errc::malformed, "bad_jwk", "it shows its private part");
  const auto &kty = jwk["kty"], &crv = jwk["crv"];
  if (!kty.is_string()) return fail(errc::malformed, "bad_jwk", "it has no 'kty'");
  const auto* found = std::find_if(std::begin(table), std::end(table), [&](const row& r) {
    return crv.is_string() && r.crv == crv.as_string() && r.kty == kty.as_string();
  });
  if (found == std::end(table))
    return fail(errc::unsupported, "key_type", "a JSON Web Key of another type or curve");
  KITH_ASSIGN(auto x, coordinate(jwk, "x"));
  if (found->kty == "OKP") return from_raw(found->type, x);
  KITH_ASSIGN(auto y, coordinate(jwk, "y"));
  bytes point{4};
  append(point, x);
  append(point, y);
  return from_raw(found->type, point);
}

std::optional<ed25519_public> public_key::ed25519() const {
  if (type_ != key_type::ed25519) return std::nullopt;
  return first_32(raw());
}

bytes public_key::multicodec() const {
  bytes out;
  put_varint(out, row_of(type_).codec);
  append(out, raw());
  return out;
}

std::string public_key::multibase() const {
  return "z" + crypto::base58btc_encode(multicodec()).value();
}

json public_key::jwk() const {
  const auto& r = row_of(type_);
  auto out = json::object();
  out.set("kty", r.kty).set("crv", r.crv);
  if (r.kty == "OKP") return std::move(out.set("x", to_base64url(raw())));
  // A checked point always has its other form.
  auto point = type_ == key_type::p256 ? crypto::p256_decompress(raw()).value()
                                       : crypto::secp256k1_decompress(raw()).value();
  out.set("x", to_base64url(byte_view(point).subspan(1, 32)));
  out.set("y", to_base64url(byte_view(point).subspan(33, 32)));
  return out;
}

std::optional<public_key> derive_key_agreement(const public_key& key) {
  auto ed = key.ed25519();
  if (!ed) return std::nullopt;
  auto derived = crypto::x25519_from_ed25519(*ed);
  if (!derived) return std::nullopt;
  auto made = public_key::from_raw(key_type::x25519, *derived);
  if (!made) return std::nullopt;
  return *made;
}

result<bytes> from_base64url(std::string_view text) {
  auto bad = [] { return fail(errc::malformed, "bad_base64url", "it is not base64url"); };
  std::string standard(text);
  for (char& c : standard) {
    if (c == '+' || c == '/' || c == '=') return bad();
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  standard.append((4 - standard.size() % 4) % 4, '=');
  auto decoded = from_base64(standard);
  if (!decoded) return bad();
  return to_bytes(as_bytes(*decoded));
}

std::string to_base64url(byte_view b) {
  auto text = to_base64(b);
  text.erase(std::find(text.begin(), text.end(), '='), text.end());
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

} // namespace kith::dids
