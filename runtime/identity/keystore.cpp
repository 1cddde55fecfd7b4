// The key file's text, and the sealing of agent keys.
#include "runtime/identity/keystore.hpp"

#include "runtime/crypto/aead.hpp"
#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace kith {
namespace {

constexpr std::string_view magic = "kith-key ";
constexpr std::string_view version_line = "kith-key 1\n";
constexpr std::string_view did_label = "did ";
constexpr std::string_view seed_label = "ed25519-seed ";
constexpr std::size_t seed_digits = 64;
constexpr std::uint8_t sealed_version = 1;
constexpr std::string_view sealing_domain = "kith.keystore.agent-key.1";

// Hexadecimal without a std::string or a vector in between that would keep the digits.
void put_hex(byte_view b, std::span<std::uint8_t> out) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < b.size(); ++i) {
    out[2 * i] = std::uint8_t(digits[b[i] >> 4]);
    out[2 * i + 1] = std::uint8_t(digits[b[i] & 15]);
  }
}

int hex_digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Lower case only. `out` has half of text.size() bytes.
bool get_hex(byte_view text, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = std::uint8_t(high << 4 | low);
  }
  return true;
}

result<secret_key> load_key(const std::filesystem::path& path) {
  KITH_ASSIGN(auto contents, load_secret_file(path, false));
  auto key = decode_key_file(contents.expose());
  if (key) return key;
  auto why = std::move(key).error();
  why.context = path.string() + " is not a usable key file (" + why.context +
                "): restore it from a backup, or move it away to begin with a new identity";
  return fail(std::move(why));
}

} // namespace

crypto::secret_buffer encode_key_file(const secret_key& key) {
  std::string head{version_line};
  head.append(did_label).append(key.did().text()).append("\n").append(seed_label);
  crypto::secret_buffer out(head.size() + seed_digits + 1);
  auto to = out.expose_mutable();
  std::copy(head.begin(), head.end(), to.begin());
  put_hex(key.expose_seed(), to.subspan(head.size(), seed_digits));
  to.back() = '\n';
  return out;
}

result<secret_key> decode_key_file(byte_view contents) {
  auto corrupt = [](const char* why) { return fail(errc::corrupt, "bad_key_file", why); };
  auto text = as_text(contents);
  if (!text.starts_with(magic)) return corrupt("it does not begin with 'kith-key'");
  if (!text.starts_with(version_line)) {
    if (text.find('\n') == text.npos) return corrupt("it is cut short");
    return fail(errc::unsupported, "key_file_version", "its version is not 1");
  }
  if (text.size() <= seed_digits || text.back() != '\n') return corrupt("it is cut short");
  crypto::secret_bytes<32> seed;
  auto digits = contents.subspan(contents.size() - seed_digits - 1, seed_digits);
  if (!get_hex(digits, seed.expose_mutable()))
    return corrupt("its seed is not 64 hexadecimal digits");
  auto key = secret_key::from_seed(seed.expose());
  // Encoding is one to one, so this checks the DID, the labels and that nothing else is there.
  if (!crypto::equal_constant_time(encode_key_file(key).expose(), contents))
    return corrupt("its DID and seed do not belong together, or it has other contents");
  return key;
}

keystore::keystore(secret_key node_key)
    : node_key_(std::move(node_key)),
      sealing_key_(crypto::derive_key(node_key_.expose_seed(), sealing_domain)) {}

result<keystore> keystore::open_or_create(const std::filesystem::path& dir, random_source& random) {
  KITH_TRY(prepare_secret_directory(dir));
  auto path = dir / file_name;
  auto found = load_key(path);
  if (!found && found.error().category == errc::not_found) {
    auto made =
        create_secret_file(path, encode_key_file(secret_key::generate(random)).expose(), random);
    // Another process may have been first: its key is the node's.
    if (!made && made.error().category != errc::exists) return fail(std::move(made).error());
    found = load_key(path);
  }
  if (!found) return fail(std::move(found).error());
  return keystore(*std::move(found));
}

bytes keystore::seal_agent_key(const secret_key& agent_key, random_source& random) const {
  bytes out{sealed_version};
  append(out, crypto::box_seal(sealing_key_.expose(), random, out, agent_key.expose_seed()));
  return out;
}

result<secret_key> keystore::open_agent_key(byte_view sealed) const {
  auto corrupt = [] {
    return fail(errc::corrupt, "bad_sealed_key",
                "an agent's key was changed, or sealed by another node");
  };
  if (sealed.empty()) return corrupt();
  if (sealed[0] != sealed_version)
    return fail(errc::unsupported, "sealed_key_version", "version " + std::to_string(sealed[0]));
  if (sealed.size() != sealed_key_size) return corrupt();
  auto seed = crypto::box_open(sealing_key_.expose(), sealed.first(1), sealed.subspan(1));
  if (!seed) return corrupt();
  return secret_key::from_seed(seed->expose().first<32>());
}

} // namespace kith
