// Where a node's own key is kept, and how it keeps those of its agents: the node key in a file that
// only its owner can read, agent keys sealed under it wherever the store puts them.
#pragma once

#include "runtime/crypto/argon2.hpp"
#include "runtime/identity/key_file.hpp"
#include "runtime/identity/keys.hpp"

namespace kith {

// Safe to use from several threads at once as long as none moves it.
class keystore {
public:
  static constexpr std::string_view file_name = "node.key";
  static constexpr std::size_t sealed_key_size = 1 + 24 + 32 + 16; // version, nonce, seed, tag

  // Reads `dir`/node.key, or makes it (and `dir`, mode 0700, whose parent must exist) with a new
  // key. Blocks on the disk. Errors name the path and how to mend it: forbidden "key_permissions"
  // if group or others have any right to the directory or the file, or if the file is a symbolic
  // link; corrupt "bad_key_file"; unsupported "key_file_version"; io "key_directory",
  // "secret_file".
  //
  // With a passphrase the file is sealed under it (Argon2id): a new one, and one that was not
  // sealed. unauthenticated "passphrase_needed", "passphrase_wrong".
  static result<keystore> open_or_create(const std::filesystem::path& dir, random_source& random,
                                         const crypto::secret_buffer* passphrase = nullptr);
  // Without files: for simulation and tests.
  static keystore in_memory(secret_key node_key) { return keystore(std::move(node_key)); }

  const secret_key& node_key() const { return node_key_; }

  // XChaCha20-Poly1305 under a key derived from the node key: sealed_key_size bytes, different each
  // time.
  bytes seal_agent_key(const secret_key& agent_key, random_source& random) const;
  // The key that was sealed; the caller checks that its did() is the agent it expects. corrupt
  // "bad_sealed_key" if it was changed, cut, or sealed by another node; unsupported
  // "sealed_key_version" for a later version.
  result<secret_key> open_agent_key(byte_view sealed) const;

private:
  explicit keystore(secret_key node_key);

  secret_key node_key_;
  crypto::secret_bytes<32> sealing_key_;
};

// The text of a key file: a version line, the DID (so that damage is noticed), the seed in
// hexadecimal. Version 2 has in its place the cost and salt of Argon2id, and the seed sealed with
// XChaCha20-Poly1305, which authenticates the lines before it.
crypto::secret_buffer encode_key_file(const secret_key& key);
result<crypto::secret_buffer> encode_sealed_key_file(const secret_key& key, byte_view passphrase,
                                                     random_source& random,
                                                     const crypto::argon2_cost& cost = {});
// Whether it is of version 2.
bool is_sealed_key_file(byte_view contents);
// corrupt "bad_key_file", unauthenticated "passphrase_wrong", overloaded "argon2_memory".
result<secret_key> decode_sealed_key_file(byte_view contents, byte_view passphrase);
// Exactly that text, every byte of it: corrupt "bad_key_file", unsupported "key_file_version".
result<secret_key> decode_key_file(byte_view contents);

} // namespace kith
