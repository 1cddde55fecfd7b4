// The generic syntax of DIDs and the did:key of Ed25519 keys.
#include "runtime/identity/did.hpp"

#include "runtime/crypto/base58.hpp"

#include <algorithm>

namespace kith {
namespace {

constexpr std::string_view scheme = "did:";
constexpr std::string_view key_prefix = "did:key:z"; // z: multibase's base58btc
constexpr std::uint8_t ed25519_codec[] = {0xed, 0x01};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_method_char(char c) { return is_lower(c) || is_digit(c); }
bool is_id_char(char c) {
  return is_method_char(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
}

// method-specific-id = *( *idchar ":" ) 1*idchar
bool is_specific_id(std::string_view s) {
  if (s.empty() || s.back() == ':') return false;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (is_id_char(s[i]) || s[i] == ':') continue;
    if (s[i] != '%' || s.size() - i < 3 || !is_hex(s[i + 1]) || !is_hex(s[i + 2])) return false;
    i += 2;
  }
  return true;
}

bool is_did(std::string_view text) {
  if (text.size() > did::size_max || !text.starts_with(scheme)) return false;
  auto rest = text.substr(scheme.size());
  auto colon = rest.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  auto method = rest.substr(0, colon);
  return std::all_of(method.begin(), method.end(), is_method_char) &&
         is_specific_id(rest.substr(colon + 1));
}

// For a person to read: a bad DID comes from outside and may be anything.
std::string shown(std::string_view text) {
  constexpr std::size_t shown_max = 80;
  std::string out;
  for (char c : text.substr(0, shown_max)) out += c >= ' ' && c <= '~' ? c : '?';
  return text.size() > shown_max ? out + "..." : out;
}

} // namespace

result<did> did::parse(std::string_view text) {
  if (!is_did(text)) return fail(errc::malformed, "bad_did", "'" + shown(text) + "' is not a DID");
  return did(std::string(text));
}

did did::from_key(const ed25519_public& key) {
  byte_array<34> coded{ed25519_codec[0], ed25519_codec[1]};
  std::copy(key.begin(), key.end(), coded.begin() + 2);
  return did(std::string(key_prefix) + *crypto::base58btc_encode(coded));
}

did::did(std::string text) {
  auto hash = std::hash<std::string>{}(text);
  rep_ = std::make_shared<const rep>(rep{std::move(text), hash});
}

const std::string& did::text() const {
  static const std::string none;
  return rep_ ? rep_->text : none;
}

std::string_view did::method() const {
  if (!rep_) return {};
  auto rest = std::string_view(rep_->text).substr(scheme.size());
  return rest.substr(0, rest.find(':'));
}

std::optional<ed25519_public> did::ed25519() const {
  if (!rep_ || !rep_->text.starts_with(key_prefix)) return std::nullopt;
  auto decoded = crypto::base58btc_decode(std::string_view(rep_->text).substr(key_prefix.size()));
  ed25519_public key;
  if (!decoded || decoded->size() != 2 + key.size() ||
      !equal(byte_view(*decoded).first(2), ed25519_codec))
    return std::nullopt;
  std::copy(decoded->begin() + 2, decoded->end(), key.begin());
  return key;
}

bool did::operator==(const did& other) const {
  if (rep_ == other.rep_) return true;
  return rep_ && other.rep_ && rep_->hash == other.rep_->hash && rep_->text == other.rep_->text;
}

std::strong_ordering did::operator<=>(const did& other) const {
  if (rep_ == other.rep_) return std::strong_ordering::equal;
  return text().compare(other.text()) <=> 0;
}

} // namespace kith
