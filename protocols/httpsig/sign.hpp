// Signs a message (RFC 9421 section 3.1).
#pragma once

#include "protocols/httpsig/algorithms.hpp"
#include "protocols/httpsig/signature_fields.hpp"

namespace kith::httpsig {

// The values of the fields Signature-Input and Signature, each to be added as a line of its own:
// signatures that a message has already stay as they are.
struct signature_field_values {
  std::string signature_input, signature;
};

// `params.alg` may be left out and then does not stand in the field; where it is given it must be
// the signer's: invalid "algorithm_refused". The label is a key of structured fields ("sig1"):
// invalid "bad_structured_value" if it is none, exists "label_taken" if the message has such a
// signature. Also the errors of signature_base and of the signer.
result<signature_field_values> sign(const message_view& message, std::string_view label,
                                    std::span<const component> covered,
                                    const signature_params& params, const signer& signer);

} // namespace kith::httpsig
