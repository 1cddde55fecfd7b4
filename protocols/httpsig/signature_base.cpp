// Makes the signature base, and what stands in its last line.
#include "protocols/httpsig/signature_base.hpp"

#include <algorithm>

namespace kith::httpsig {
namespace {

tl::unexpected<error> malformed(std::string why) {
  return fail(errc::malformed, "signature_malformed", std::move(why));
}

tl::unexpected<error> too_large(std::string_view what, std::size_t max) {
  return fail(errc::too_large, "signature_too_large",
              "a signature has at most " + std::to_string(max) + " " + std::string(what));
}

template <class T>
result<std::optional<T>> read_param(const sf::inner_list& input, std::string_view key) {
  const auto* value = sf::find(input.params, key);
  if (!value) return std::optional<T>();
  const auto* typed = std::get_if<T>(value);
  if (!typed)
    return malformed("the signature's parameter '" + std::string(key) + "' is of another type");
  return std::optional<T>(*typed);
}

} // namespace

sf::inner_list make_signature_input(std::span<const component> covered,
                                    const signature_params& params) {
  sf::inner_list out;
  for (const auto& c : covered) out.items.push_back(c.to_item());
  const auto put = [&](const char* key, const auto& value) {
    if (value) out.params.push_back({key, *value});
  };
  put("created", params.created);
  put("expires", params.expires);
  put("keyid", params.keyid);
  put("alg", params.alg);
  put("nonce", params.nonce);
  put("tag", params.tag);
  return out;
}

result<std::vector<component>> read_components(const sf::inner_list& input) {
  if (input.items.size() > components_max) return too_large("components", components_max);
  std::vector<component> out;
  for (const auto& item : input.items) {
    if (item.params.size() > signature_params_max)
      return too_large("parameters of a component", signature_params_max);
    auto read = component::from(item);
    if (!read) return malformed(read.error().context);
    if (read->name() == "@signature-params")
      return malformed("@signature-params is not to be named among the covered components");
    if (std::find(out.begin(), out.end(), *read) != out.end())
      return malformed("the component '" + shown(read->name()) + "' is covered twice");
    out.push_back(*std::move(read));
  }
  return out;
}

result<signature_params> read_params(const sf::inner_list& input) {
  if (input.params.size() > signature_params_max)
    return too_large("parameters", signature_params_max);
  signature_params out;
  KITH_ASSIGN(out.created, read_param<std::int64_t>(input, "created"));
  KITH_ASSIGN(out.expires, read_param<std::int64_t>(input, "expires"));
  KITH_ASSIGN(out.keyid, read_param<std::string>(input, "keyid"));
  KITH_ASSIGN(out.alg, read_param<std::string>(input, "alg"));
  KITH_ASSIGN(out.nonce, read_param<std::string>(input, "nonce"));
  KITH_ASSIGN(out.tag, read_param<std::string>(input, "tag"));
  return out;
}

result<std::string> signature_base(const message_view& message, const sf::inner_list& input) {
  KITH_ASSIGN(auto covered, read_components(input));
  std::string out;
  for (const auto& c : covered) {
    KITH_ASSIGN(auto identifier, c.identifier());
    KITH_ASSIGN(auto value, component_value(c, message));
    out.append(identifier).append(": ").append(value).append("\n");
    if (out.size() > signature_base_size_max)
      return too_large("bytes to be signed", signature_base_size_max);
  }
  KITH_ASSIGN(auto own, sf::serialize(input));
  return out.append("\"@signature-params\": ").append(own);
}

result<std::string> signature_base(const message_view& message, std::span<const component> covered,
                                   const signature_params& params) {
  return signature_base(message, make_signature_input(covered, params));
}

} // namespace kith::httpsig
