// Reads both fields and joins them by label.
#include "protocols/httpsig/signature_fields.hpp"

namespace kith::httpsig {
namespace {

constexpr std::string_view input_field = "signature-input";
constexpr std::string_view signature_field = "signature";

tl::unexpected<error> malformed(std::string why) {
  return fail(errc::malformed, "signature_malformed", std::move(why));
}

tl::unexpected<error> too_large(std::string_view what, std::size_t max) {
  return fail(errc::too_large, "signature_too_large",
              std::string(what) + " at most " + std::to_string(max));
}

// Nothing may stand twice: RFC 9421 section 4.1 wants labels unique, and of parameters no two
// readers may see different values.
constexpr sf::limits field_limits{.size_max = signature_field_size_max,
                                  .members_max = signatures_max,
                                  .items_max = components_max,
                                  .params_max = signature_params_max,
                                  .duplicates_allowed = false};

result<sf::dictionary> read_field(const message_view& message, std::string_view name) {
  auto text = combined_field(message, name);
  auto read = text ? sf::parse_dictionary(*text, field_limits)
                   : result<sf::dictionary>(fail(std::move(text).error()));
  if (read) return read;
  const bool large = read.error().category == errc::too_large;
  return fail(large ? errc::too_large : errc::malformed,
              large ? "signature_too_large" : "signature_malformed",
              "the field " + std::string(name) + ": " + read.error().context);
}

result<> check_sizes(const labelled_signature& s) {
  const auto size = [](const std::optional<std::string>& text) { return text ? text->size() : 0; };
  if (size(s.params.keyid) > keyid_size_max) return too_large("a keyid has bytes", keyid_size_max);
  if (size(s.params.nonce) > nonce_size_max || size(s.params.tag) > nonce_size_max)
    return too_large("a nonce or tag has bytes", nonce_size_max);
  if (s.signature.size() > signature_size_max)
    return too_large("a signature has bytes", signature_size_max);
  return {};
}

} // namespace

result<std::vector<labelled_signature>> read_signatures(const message_view& message) {
  if (count_field(message, input_field) == 0 && count_field(message, signature_field) == 0)
    return fail(errc::unauthenticated, "signature_missing",
                "the message is not signed: it has no fields Signature-Input and Signature");
  KITH_ASSIGN(auto inputs, read_field(message, input_field));
  KITH_ASSIGN(auto signatures, read_field(message, signature_field));
  if (inputs.empty())
    return fail(errc::unauthenticated, "signature_missing", "the field Signature-Input is empty");
  if (inputs.size() != signatures.size())
    return malformed("Signature-Input and Signature do not have the same labels");
  std::vector<labelled_signature> out;
  for (auto& [label, value] : inputs) {
    auto* input = std::get_if<sf::inner_list>(&value);
    if (!input) return malformed("'" + shown(label) + "' in Signature-Input is no inner list");
    const auto* found = sf::find(signatures, label);
    const auto* single = found ? std::get_if<sf::item>(found) : nullptr;
    const auto* signature = single ? std::get_if<bytes>(&single->value) : nullptr;
    if (!signature)
      return malformed("the field Signature has no bytes under the label '" + shown(label) + "'");
    KITH_ASSIGN(auto covered, read_components(*input));
    KITH_ASSIGN(auto params, read_params(*input));
    labelled_signature made{label, std::move(*input), std::move(covered), std::move(params),
                            *signature};
    KITH_TRY(check_sizes(made));
    out.push_back(std::move(made));
  }
  return out;
}

} // namespace kith::httpsig
