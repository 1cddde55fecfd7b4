// The table, and did:key, whose keys need no fetching.
#include "protocols/httpsig/algorithms.hpp"

#include "protocols/httpsig/message.hpp"
#include "runtime/identity/did.hpp"

namespace kith::httpsig {
namespace {

bool is_ed25519(const verification_key& key) {
  return std::holds_alternative<ed25519_verification_key>(key);
}

bool verify_ed25519(const verification_key& key, byte_view base, byte_view signature) {
  crypto::ed25519_signature fixed;
  if (signature.size() != fixed.size()) return false;
  std::memcpy(fixed.data(), signature.data(), fixed.size());
  return crypto::ed25519_verify(std::get<ed25519_verification_key>(key).public_key, base, fixed);
}

constexpr algorithm table[] = {{"ed25519", is_ed25519, verify_ed25519}};

constexpr std::string_view did_key_prefix = "did:key:";

} // namespace

std::span<const algorithm> algorithms() { return table; }

const algorithm* find_algorithm(std::string_view name) {
  for (const auto& row : table)
    if (row.name == name) return &row;
  return nullptr;
}

result<verification_key> resolve_did_key(std::string_view keyid) {
  const auto unknown = [&] {
    return fail(errc::not_found, "key_unknown",
                "'" + shown(keyid) + "' is no did:key of an Ed25519 key");
  };
  const auto hash = keyid.find('#');
  const auto text = keyid.substr(0, hash);
  if (!text.starts_with(did_key_prefix)) return unknown();
  if (hash != std::string_view::npos &&
      keyid.substr(hash + 1) != text.substr(did_key_prefix.size()))
    return unknown();
  const auto parsed = did::parse(text);
  const auto key = parsed ? parsed->ed25519() : std::nullopt;
  if (!key) return unknown();
  return verification_key(ed25519_verification_key{*key});
}

std::string did_key_url(const byte_array<32>& public_key) {
  const auto text = did::from_key(public_key).text();
  return text + "#" + text.substr(did_key_prefix.size());
}

} // namespace kith::httpsig
