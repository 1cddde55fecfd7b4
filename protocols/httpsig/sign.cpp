// From a message and a key to two header lines.
#include "protocols/httpsig/sign.hpp"

namespace kith::httpsig {
namespace {

result<> check_label(const message_view& message, std::string_view label) {
  if (count_field(message, "signature-input") == 0 && count_field(message, "signature") == 0)
    return {};
  KITH_ASSIGN(auto present, read_signatures(message));
  for (const auto& s : present)
    if (s.label == label)
      return fail(errc::exists, "label_taken",
                  "the message has a signature '" + shown(label) + "' already");
  return {};
}

} // namespace

result<signature_field_values> sign(const message_view& message, std::string_view label,
                                    std::span<const component> covered,
                                    const signature_params& params, const signer& signer) {
  if (params.alg && *params.alg != signer.algorithm())
    return fail(errc::invalid, "algorithm_refused",
                "the key at hand signs by " + std::string(signer.algorithm()) + ", not by '" +
                    shown(*params.alg) + "'");
  KITH_TRY(check_label(message, label));
  auto input = make_signature_input(covered, params);
  KITH_ASSIGN(auto base, signature_base(message, input));
  KITH_ASSIGN(auto signature, signer.sign(as_bytes(base)));
  const std::string key(label);
  signature_field_values out;
  KITH_ASSIGN(out.signature_input, sf::serialize(sf::dictionary{{key, std::move(input)}}));
  KITH_ASSIGN(out.signature,
              sf::serialize(sf::dictionary{{key, sf::item{std::move(signature), {}}}}));
  return out;
}

} // namespace kith::httpsig
