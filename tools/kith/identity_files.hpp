// The files of identities that are no node's: a key, and the key history of a did:web.
#pragma once

#include "protocols/did/rotation.hpp"
#include "runtime/base/random.hpp"
#include "tools/kith/console.hpp"

#include <filesystem>
#include <optional>

namespace kith::cli {

// A key file (keystore.hpp), which nobody but its owner has any right to. Errors name the file:
// those of load_secret_file and decode_key_file; if it is sealed those of open_at_terminal, which
// asks for its passphrase unless `known` is that.
struct identity {
  secret_key key;
  std::optional<crypto::secret_buffer> passphrase; // if the file is sealed
};
result<identity> read_identity(const console& io, const std::filesystem::path& file,
                               const crypto::secret_buffer* known = nullptr);
// The same of a node's, which may be sealed: then `passphrase_file` (empty: none) opens it, which
// takes about as long as starting the node. unauthenticated "passphrase_needed"; those of
// read_secret_file and decode_sealed_key_file.
result<secret_key> read_node_identity(const std::filesystem::path& file,
                                      const std::filesystem::path& passphrase_file);
// A new key in a new file, mode 0600, sealed if there is a passphrase. exists "secret_file_exists";
// io "secret_file"; overloaded "argon2_memory".
result<secret_key> make_identity(const std::filesystem::path& file, random_source& random,
                                 const crypto::secret_buffer* passphrase = nullptr);

// An encoded dids::key_history, every signature of it checked. not_found "no_history"; those of
// key_history::decode, with the file's name.
result<dids::key_history> read_history(const std::filesystem::path& file);
// In place of what was there, at once. io "file_write".
result<> write_history(const std::filesystem::path& file, const dids::key_history& history);

} // namespace kith::cli
