// The key file's text, and the sealing of agent keys.
#include "runtime/identity/keystore.hpp"

#include "runtime/crypto/aead.hpp"
#include "runtime/crypto/hash.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace kith {
namespace {

constexpr std::string_view magic = "kith-key ";
constexpr std::string_view version_line = "kith-key 1\n";
constexpr std::string_view sealed_version_line = "kith-key 2\n";
constexpr std::string_view cost_label = "argon2id "; // KiB of memory, passes
constexpr std::string_view salt_label = "salt ";
constexpr std::string_view box_label = "sealed-seed ";
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

// The line that begins with `label`, without it; empty if the next line is another.
std::string_view take_line(std::string_view& text, std::string_view label) {
  auto end = text.find('\n');
  if (!text.starts_with(label) || end == text.npos) return {};
  auto line = text.substr(label.size(), end - label.size());
  text.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t n = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

struct opened {
  secret_key key;
  bool sealed;
};

result<opened> load_key(const std::filesystem::path& path,
                        const crypto::secret_buffer* passphrase) {
  KITH_ASSIGN(auto contents, load_secret_file(path, false));
  bool sealed = is_sealed_key_file(contents.expose());
  if (sealed && passphrase == nullptr)
    return fail(errc::unauthenticated, "passphrase_needed",
                path.string() + " is sealed: set keys.passphrase_file to a file with its "
                                "passphrase");
  auto key = sealed ? decode_sealed_key_file(contents.expose(), passphrase->expose())
                    : decode_key_file(contents.expose());
  if (key) return opened{std::move(*key), sealed};
  auto why = std::move(key).error();
  if (why.category == errc::unauthenticated || why.category == errc::overloaded)
    return fail(std::move(why));
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

result<crypto::secret_buffer> encode_sealed_key_file(const secret_key& key, byte_view passphrase,
                                                     random_source& random,
                                                     const crypto::argon2_cost& cost) {
  byte_array<16> salt;
  random.fill(salt);
  KITH_ASSIGN(auto sealing, crypto::argon2id(passphrase, salt, cost));
  std::string text{sealed_version_line};
  text.append(did_label).append(key.did().text()).append("\n").append(cost_label);
  text += std::to_string(cost.memory_kib) + ' ' + std::to_string(cost.passes) + '\n';
  text.append(salt_label).append(to_hex(salt)).append("\n");
  auto box = crypto::box_seal(sealing.expose(), random, as_bytes(text), key.expose_seed());
  text.append(box_label).append(to_hex(box)).append("\n");
  return crypto::secret_buffer(as_bytes(text));
}

bool is_sealed_key_file(byte_view contents) {
  return as_text(contents).starts_with(sealed_version_line);
}

result<secret_key> decode_sealed_key_file(byte_view contents, byte_view passphrase) {
  auto corrupt = [](const char* why) { return fail(errc::corrupt, "bad_key_file", why); };
  auto all = as_text(contents);
  auto rest = all;
  if (!rest.starts_with(sealed_version_line)) return corrupt("it is not sealed");
  rest.remove_prefix(sealed_version_line.size());
  auto who = take_line(rest, did_label), costs = take_line(rest, cost_label);
  auto salted = take_line(rest, salt_label);
  auto before = as_bytes(all.substr(0, all.size() - rest.size()));
  auto boxed = take_line(rest, box_label);
  auto space = costs.find(' ');
  auto memory = number(costs.substr(0, space));
  auto passes = space == costs.npos ? std::nullopt : number(costs.substr(space + 1));
  byte_array<16> salt;
  bytes box(32 + crypto::box_overhead);
  if (!rest.empty() || !memory || !passes || salted.size() != 2 * salt.size() ||
      !get_hex(as_bytes(salted), salt) || boxed.size() != 2 * box.size() ||
      !get_hex(as_bytes(boxed), box))
    return corrupt("it is cut short, or has other contents");
  crypto::argon2_cost cost{*memory, *passes};
  if (!cost.sensible()) return corrupt("its cost is beyond all measure");
  KITH_ASSIGN(auto sealing, crypto::argon2id(passphrase, salt, cost));
  auto seed = crypto::box_open(sealing.expose(), before, box);
  if (!seed)
    return fail(errc::unauthenticated, "passphrase_wrong",
                "the passphrase does not open the key file, or the file was changed");
  auto key = secret_key::from_seed(seed->expose().first<32>());
  if (key.did().text() != who) return corrupt("its DID and seed do not belong together");
  return key;
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

result<keystore> keystore::open_or_create(const std::filesystem::path& dir, random_source& random,
                                          const crypto::secret_buffer* passphrase) {
  KITH_TRY(prepare_secret_directory(dir));
  auto path = dir / file_name;
  auto text_of = [&](const secret_key& key) -> result<crypto::secret_buffer> {
    if (passphrase == nullptr) return encode_key_file(key);
    return encode_sealed_key_file(key, passphrase->expose(), random);
  };
  auto found = load_key(path, passphrase);
  if (!found && found.error().category == errc::not_found) {
    KITH_ASSIGN(auto text, text_of(secret_key::generate(random)));
    auto made = create_secret_file(path, text.expose(), random);
    // Another process may have been first: its key is the node's.
    if (!made && made.error().category != errc::exists) return fail(std::move(made).error());
    found = load_key(path, passphrase);
  }
  if (!found) return fail(std::move(found).error());
  if (passphrase != nullptr && !found->sealed) {
    KITH_ASSIGN(auto text, text_of(found->key));
    KITH_TRY(replace_secret_file(path, text.expose(), random));
  }
  return keystore(std::move(found->key));
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
