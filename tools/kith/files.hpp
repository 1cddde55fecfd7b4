// Whole small files, mode 0600.
#pragma once

#include "runtime/base/result.hpp"

#include <filesystem>
#include <string>

namespace kith::cli {

// Replaces the file at once, so that nobody reads half of it. io "file_write", which names it.
result<> write_file(const std::filesystem::path& path, std::string_view text);
// "" if there is none or it cannot be read; at most `size_max` bytes, from `offset` on.
std::string read_some(const std::filesystem::path& path, std::uintmax_t offset,
                      std::size_t size_max);

} // namespace kith::cli
