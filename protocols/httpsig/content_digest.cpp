// Makes and checks content digests.
#include "protocols/httpsig/content_digest.hpp"

#include "protocols/httpsig/structured_fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace kith::httpsig {
namespace {

struct digest_row {
  std::string_view key;
  bytes (*hash)(byte_view body);
};
// In the order of digest_algorithm.
constexpr digest_row rows[] = {
    {"sha-256", [](byte_view body) { return to_bytes(crypto::sha256(body)); }},
    {"sha-512", [](byte_view body) { return to_bytes(crypto::sha512(body)); }},
};

constexpr std::size_t field_value_size_max = 4096;
constexpr sf::limits field_limits{.size_max = field_value_size_max,
                                  .members_max = digests_max,
                                  .items_max = 1,
                                  .params_max = 4,
                                  .duplicates_allowed = false};

tl::unexpected<error> malformed(const std::string& why) {
  return fail(errc::malformed, "digest_malformed", "the field Content-Digest: " + why);
}

} // namespace

std::string make_content_digest(byte_view body, digest_algorithm algorithm) {
  const auto& row = rows[std::size_t(algorithm)];
  // Cannot fail: the key is one, and bytes can always be written.
  return std::string(row.key) + "=" + sf::serialize(sf::bare_item(row.hash(body))).value();
}

result<> check_content_digest(std::string_view field_value, byte_view body) {
  auto digests = sf::parse_dictionary(field_value, field_limits);
  if (!digests) return malformed(digests.error().context);
  // All are read before any is computed: what is malformed costs no hashing.
  for (const auto& [key, value] : *digests) {
    const auto* single = std::get_if<sf::item>(&value);
    if (!single || !std::holds_alternative<bytes>(single->value))
      return malformed("'" + shown(key) + "' is no byte sequence");
  }
  bool known = false;
  for (const auto& row : rows) {
    const auto* found = sf::find(*digests, row.key);
    if (!found) continue;
    known = true;
    if (std::get<bytes>(std::get<sf::item>(*found).value) != row.hash(body))
      return fail(errc::unauthenticated, "digest_wrong",
                  "the body is not the one that Content-Digest's " + std::string(row.key) +
                      " was made of");
  }
  if (!known)
    return fail(errc::unauthenticated, "digest_unknown",
                "Content-Digest has neither sha-256 nor sha-512");
  return {};
}

result<> check_content_digest(const message_view& message) {
  constexpr std::string_view name = "content-digest";
  if (count_field(message, name) == 0)
    return fail(errc::unauthenticated, "digest_missing",
                "the message has a body and no field Content-Digest");
  auto value = combined_field(message, name);
  if (!value) return malformed(value.error().context);
  return check_content_digest(*value, message.body);
}

} // namespace kith::httpsig
