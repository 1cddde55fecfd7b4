// Asking a person for a secret: at the terminal that the process belongs to, and not on stdin or
// stdout, which may lead elsewhere.
#pragma once

#include "runtime/crypto/secret.hpp"

namespace kith::cli {

// What is typed up to the end of the line, and not shown; the terminal is then as it was, also
// after Ctrl-C. Blocks. Errors: unavailable "no_terminal" if stdin is none, or the process belongs
// to none; cancelled "interrupted" after SIGINT, SIGTERM, SIGHUP, SIGQUIT or Ctrl-D; too_large
// "passphrase_size" past 1023 bytes. The calling thread must be the only one.
result<crypto::secret_buffer> ask_at_terminal(const std::string& question);

} // namespace kith::cli
