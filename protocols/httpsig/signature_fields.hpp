// The fields Signature-Input and Signature (RFC 9421 section 4): one or more signatures of a
// message, each under a label. Read here, not yet verified.
#pragma once

#include "protocols/httpsig/signature_base.hpp"

namespace kith::httpsig {

// Limits of what comes from outside; past them too_large "signature_too_large".
inline constexpr std::size_t signatures_max = 8;                  // labels of a message
inline constexpr std::size_t signature_field_size_max = 16 << 10; // bytes of either field
inline constexpr std::size_t signature_size_max = 1024;           // bytes; RSA-8192's
inline constexpr std::size_t keyid_size_max = 1024;               // a DID and a fragment
inline constexpr std::size_t nonce_size_max = 256;                // of nonce and of tag

// A claim: nothing of it is proven.
struct labelled_signature {
  std::string label;
  sf::inner_list input; // as it came: it is signed in this very order
  std::vector<component> covered;
  signature_params params;
  bytes signature;
};

// All signatures of a message, in the order of Signature-Input. unauthenticated "signature_missing"
// if it has none; malformed "signature_malformed" if the fields cannot be read or do not have the
// same labels; too_large "signature_too_large".
result<std::vector<labelled_signature>> read_signatures(const message_view& message);

} // namespace kith::httpsig
