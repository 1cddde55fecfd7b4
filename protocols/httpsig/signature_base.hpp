// The signature base: the text that is signed and verified, a line for each covered component and
// one for the signature's own parameters (RFC 9421 section 2.5).
#pragma once

#include "protocols/httpsig/component.hpp"

namespace kith::httpsig {

// Seconds since the Unix epoch.
using unix_seconds = std::int64_t;

// Limits of a signature, ours or another's.
inline constexpr std::size_t components_max = 64;                 // covered; more are refused
inline constexpr std::size_t signature_params_max = 16;           // of a signature or component
inline constexpr std::size_t signature_base_size_max = 256 << 10; // bytes; a larger one is refused

// The metadata of RFC 9421 section 2.3.
struct signature_params {
  std::optional<unix_seconds> created, expires;
  std::optional<std::string> keyid; // of Kith's own: a DID, or a DID URL of a verification method
  std::optional<std::string> alg;   // of the HTTP Signature Algorithms registry: "ed25519"
  std::optional<std::string> nonce, tag;
};

// What stands behind a label in Signature-Input: the covered components with the parameters, in the
// order created, expires, keyid, alg, nonce, tag.
sf::inner_list make_signature_input(std::span<const component> covered,
                                    const signature_params& params);

// The other way. Both: malformed "signature_malformed" for a component or parameter of another
// form; too_large "signature_too_large" past a limit above. Unknown parameters pass: they are
// signed.
result<std::vector<component>> read_components(const sf::inner_list& input);
result<signature_params> read_params(const sf::inner_list& input);

// RFC 9421 section 2.5. The input's order, and parameters unknown to us, are kept as they are.
// malformed "signature_malformed" for a component that stands twice or for @signature-params among
// them; too_large "signature_too_large"; the errors of component_value.
result<std::string> signature_base(const message_view& message, const sf::inner_list& input);
// For components and parameters of one's own making.
result<std::string> signature_base(const message_view& message, std::span<const component> covered,
                                   const signature_params& params);

} // namespace kith::httpsig
