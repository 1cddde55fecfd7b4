// Reading a whole store to find what has rotted: the manifest and the log by opening it once more,
// each table file by its checksum.
#pragma once

#include "runtime/stream/stream_id.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace kith::store {

struct store_damage {
  std::string file; // its name in the store's directory; "db" if it is not known which
  std::string what; // for a person
};

struct store_verification {
  journal_position position = 0;      // that it opens with
  std::uint64_t files = 0, bytes = 0; // that were read
  std::vector<store_damage> damage;   // empty: all is as it was written
};

// Called now and then with the bytes read so far; false: stop.
using verification_progress = std::function<bool(std::uint64_t bytes_read)>;

// Of the store in `dir` that no node runs on; changes nothing. What is damaged is no error: it is
// in the result. unavailable "state_dir_locked", not_found "store_missing", cancelled
// "verify_stopped"; io.
result<store_verification> verify_store(const std::filesystem::path& dir,
                                        const verification_progress& progress = {});

} // namespace kith::store
