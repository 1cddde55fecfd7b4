// The witness: a small file beside the store that says "the store held position N, synced". A store
// that comes up with less has lost what it had promised (semantics.md 25). Included by this
// folder's sources only.
#pragma once

#include "runtime/stream/stream_id.hpp"

#include <optional>
#include <rocksdb/file_system.h>

namespace kith::store {

class witness_file {
public:
  static constexpr std::uint16_t version = 1;

  // `fs` must outlive it; all goes through it, so that the fault layer governs the witness too.
  witness_file(rocksdb::FileSystem& fs, const std::string& dir)
      : fs_(fs), dir_(dir), path_(dir + "/witness") {}

  // Nothing if there is no such file. Corrupt "witness_damaged", unsupported "witness_format", io.
  result<std::optional<journal_position>> read() const;
  // Replaces it: a temporary file, synced, renamed, and the directory synced.
  result<void> write(journal_position position);

private:
  rocksdb::FileSystem& fs_;
  std::string dir_, path_;
};

} // namespace kith::store
