// What a backup says of itself: of which node, when, up to which position, and what lies beside the
// store's files, each with its digest. It is written last, so that a backup with one is whole.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/identity/did.hpp"
#include "runtime/store/backups.hpp"

#include <string>
#include <vector>

namespace kith::backup {

struct file_entry {
  std::string name; // "kith.toml", "cluster.secret", "keys/node.key"
  std::uint64_t size = 0;
  byte_array<32> digest{}; // BLAKE2b-256
  bool operator==(const file_entry&) const = default;
};

struct manifest {
  static constexpr std::uint16_t version = 1;
  static constexpr std::size_t size_max = 64 << 10;
  static constexpr std::size_t files_max = 64;
  static constexpr std::size_t text_size_max = 512;

  store::backup_id id = 0;
  did node;
  std::string node_name;
  std::string kith; // the version that made it
  wall_ms when = 0;
  journal_position position = 0;
  std::uint64_t bytes = 0;       // of the store's files
  std::uint64_t bytes_new = 0;   // of those that no backup before it had
  byte_array<32> store_digest{}; // of the list of the store's files with their checksums
  std::vector<file_entry> files;
  bool operator==(const manifest&) const = default;
};

bytes encode(const manifest& m);
// corrupt "bad_manifest" if it is not what encode made of one within these bounds, names included;
// unsupported "manifest_version" if a newer Kith wrote it.
result<manifest> decode_manifest(byte_view all);

// One or two words of letters, digits, '.', '-' and '_', joined by '/', neither beginning with a
// dot: what a backup may write below a node's directory.
bool is_file_name(std::string_view name);

} // namespace kith::backup
