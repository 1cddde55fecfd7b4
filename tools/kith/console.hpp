// What the command line reads from and writes to, and the small values that all commands share.
// Handed in, so that a test reads what a person would have seen.
#pragma once

#include "runtime/crypto/secret.hpp"

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kith::cli {

struct console {
  std::istream& in;
  std::ostream& out; // what was asked for, and nothing else: with --json exactly one document
  std::ostream& err; // sentences for a person
  bool out_is_terminal = false;
  bool colour = false; // out is a terminal whose user did not ask for plain text (NO_COLOR)
  // The value of an environment variable.
  std::function<std::optional<std::string>(const std::string&)> environment;
  // Those of them that are settings: KITH_* but KITH_DIR, which is the command line's own.
  std::vector<std::pair<std::string, std::string>> settings = {};
  // Asks at the terminal, without showing what is typed (terminal.hpp). Empty: there is none.
  std::function<result<crypto::secret_buffer>(const std::string& question)> ask_secret = {};
};

// The process's own streams and environment.
console system_console();

} // namespace kith::cli
