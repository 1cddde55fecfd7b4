// Passphrases of sealed keys, where no keys.passphrase_file names one: asked for at the terminal,
// and handed from `up` to the nodes that it starts.
#pragma once

#include "runtime/identity/keys.hpp"
#include "tools/kith/commands.hpp"

#include <map>
#include <span>

namespace kith::cli {

inline constexpr unsigned passphrase_tries_max = 3; // then passphrase_wrong

struct opened_key {
  secret_key key;
  crypto::secret_buffer passphrase;
};
// Asks "Passphrase for <what>: " until it opens the sealed key with these contents. Errors:
// unauthenticated "passphrase_needed" if there is no terminal, "passphrase_wrong" after
// passphrase_tries_max; cancelled "interrupted"; those of decode_sealed_key_file.
result<opened_key> open_at_terminal(const console& io, const std::filesystem::path& file,
                                    byte_view contents, const std::string& what);

// Asks for a new one, twice, until both are the same and long enough for keys.passphrase_file too
// (secret_size_min). Errors: unauthenticated "passphrase_needed", "passphrase_unset"; cancelled
// "interrupted".
result<crypto::secret_buffer> choose_passphrase(const console& io, const std::string& what);

// All of a descriptor, without trailing newlines; closes it. invalid "bad_passphrase_fd",
// "secret_too_short"; too_large "passphrase_size".
result<crypto::secret_buffer> read_passphrase(int fd);

using node_passphrases = std::map<std::string, crypto::secret_buffer>; // by the node's name

// Of those nodes whose key is sealed and that have no keys.passphrase_file. Tries `known`, if any,
// then asks: once for all of them, and again for those that have another.
result<node_passphrases> ask_for_nodes(const context& c, std::span<const std::string> names,
                                       const crypto::secret_buffer* known);
// Seals those keys that are not sealed, under `chosen` or else one that it asks for. invalid
// "usage" if a node has a keys.passphrase_file.
result<> seal_nodes(const context& c, std::span<const std::string> names,
                    std::optional<crypto::secret_buffer>& chosen);

// "node n1", "nodes n1, n2".
std::string nodes_text(std::span<const std::string> names);

} // namespace kith::cli
