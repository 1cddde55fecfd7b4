// The end of a log file, and what is added to it: across truncation and rotation.
#pragma once

#include "tools/kith/log_text.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace kith::cli {

// Not thread-safe. A file that is not there is empty.
class log_tail {
public:
  static constexpr std::size_t scan_size_max = 64 << 20; // bytes from the end that are looked at
  static constexpr std::size_t line_size_max = 1 << 20;  // longer lines are cut in pieces

  log_tail(std::string node, std::filesystem::path file)
      : node_(std::move(node)), file_(std::move(file)) {}
  const std::filesystem::path& file() const { return file_; }

  // The last `count` lines that pass, oldest first. A line that is not finished counts unless it is
  // to be followed: then it comes when it is whole.
  std::vector<log_line> last(std::size_t count, const log_filter& filter, bool follow);
  // Those that were added since, and pass.
  std::vector<log_line> fresh(const log_filter& filter);

private:
  log_line make(std::string_view raw);

  std::string node_;
  std::filesystem::path file_;
  std::uint64_t inode_ = 0; // 0: not there yet
  std::uint64_t offset_ = 0;
  std::string unfinished_;
  std::string order_; // of the line before
};

// By time; lines of one file keep their order.
void sort_by_time(std::vector<log_line>& lines);

} // namespace kith::cli
