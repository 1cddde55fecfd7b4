// Small files of a node, as a backup reads and writes them: whole, bounded, and 0600. For this
// folder only.
#pragma once

#include "runtime/base/random.hpp"
#include "runtime/crypto/secret.hpp"

#include <filesystem>
#include <optional>

namespace kith::backup {

inline constexpr std::size_t node_file_size_max = 1 << 20;

// Nothing if there is no such file; too_large "backup_file_size", io "backup_file".
result<std::optional<crypto::secret_buffer>> read_file(const std::filesystem::path& path,
                                                       std::size_t size_max = node_file_size_max);
// Makes it, synced, mode 0600, with its directory (0700) if that is missing; io.
result<void> write_file(const std::filesystem::path& path, byte_view contents,
                        random_source& random);
// Syncs what `dir` says is in it; io "backup_file".
result<void> sync_directory(const std::filesystem::path& dir);

} // namespace kith::backup
