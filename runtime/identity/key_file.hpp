// Small files that hold a secret, and the one rule for them: nobody but the owner may have any
// right to them. Blocking file access: for start-up and tools, never for an agent's turn.
#pragma once

#include "runtime/crypto/secret.hpp"

#include <filesystem>

namespace kith {

inline constexpr std::size_t secret_file_size_max = 1024;
inline constexpr std::size_t secret_size_min = 16; // of a cluster secret: shorter can be guessed

// The contents of a regular file. Errors name the path: not_found "no_secret_file"; forbidden
// "key_permissions" if group or others have any right to it, or if it is not a regular file;
// too_large "secret_file_size" past secret_file_size_max; io "secret_file". With `follow_links`
// false a symbolic link is forbidden "key_permissions".
result<crypto::secret_buffer> load_secret_file(const std::filesystem::path& path,
                                               bool follow_links);

// Makes `path` with mode 0600 and these contents, both synced with the directory before it returns.
// At every moment there is either no file or the whole one. exists "secret_file_exists" if there is
// one already, which stays as it is; io "secret_file". `random` names the temporary file beside it.
result<void> create_secret_file(const std::filesystem::path& path, byte_view contents,
                                random_source& random);

// The same in place of the file that is there: at every moment there is the old one or the new one.
result<void> replace_secret_file(const std::filesystem::path& path, byte_view contents,
                                 random_source& random);

// Makes `dir` with mode 0700 unless it is there; its parent must be. forbidden "key_permissions" if
// group or others have any right to it or if it is not a directory; io "key_directory".
result<void> prepare_secret_directory(const std::filesystem::path& dir);

// A cluster secret: load_secret_file (links are followed, since that is how secrets are mounted
// into containers) without trailing newlines. invalid "secret_too_short" below secret_size_min
// bytes.
result<crypto::secret_buffer> read_secret_file(const std::filesystem::path& path);
// A cluster secret that read_secret_file gives back: 16 or more bytes, at most secret_file_size_max
// - 1, not ending in a newline; otherwise invalid "bad_secret". Errors as create_secret_file.
result<void> write_secret_file(const std::filesystem::path& path, byte_view secret,
                               random_source& random);

} // namespace kith
