// Reads a window at the end that grows until enough lines pass.
#include "tools/kith/log_tail.hpp"
#include "tools/kith/files.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace kith::cli {
namespace {

constexpr std::size_t window_first = 64 << 10;
constexpr std::size_t window_growth = 4;
constexpr std::size_t fresh_size_max = 4 << 20; // bytes read at once; the rest comes next time

// Calls `each` with every line of `text` that is finished; the rest is returned.
template <class Each> std::string_view for_lines(std::string_view text, Each each) {
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    each(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  while (text.size() > log_tail::line_size_max) {
    each(text.substr(0, log_tail::line_size_max));
    text.remove_prefix(log_tail::line_size_max);
  }
  return text;
}

struct place {
  std::uint64_t inode = 0, size = 0;
};

place look(const std::filesystem::path& file) {
  struct stat s {};
  if (::stat(file.c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return {};
  return {std::uint64_t(s.st_ino), std::uint64_t(s.st_size)};
}

} // namespace

log_line log_tail::make(std::string_view raw) {
  auto line = parse_log_line(raw);
  line.node = node_;
  if (line.order.empty()) line.order = order_;
  order_ = line.order;
  return line;
}

std::vector<log_line> log_tail::last(std::size_t count, const log_filter& filter, bool follow) {
  const auto [inode, size] = look(file_);
  inode_ = inode;
  offset_ = size;
  std::vector<log_line> found;
  for (std::size_t window = window_first;; window *= window_growth) {
    const auto begin = size > window ? size - window : 0;
    const auto text = read_some(file_, begin, std::size_t(size - begin));
    std::string_view rest = text;
    if (begin > 0) rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
    found.clear();
    order_.clear();
    const auto take = [&](std::string_view raw) {
      if (auto line = make(raw); filter.passes(line)) found.push_back(std::move(line));
    };
    rest = for_lines(rest, take);
    if (follow)
      unfinished_ = rest;
    else if (!rest.empty())
      take(rest);
    if (found.size() >= count || begin == 0 || window >= scan_size_max) break;
  }
  if (found.size() > count) found.erase(found.begin(), found.end() - std::ptrdiff_t(count));
  return found;
}

std::vector<log_line> log_tail::fresh(const log_filter& filter) {
  const auto [inode, size] = look(file_);
  if (inode != inode_ || size < offset_) { // another file, or the same begun anew
    inode_ = inode;
    offset_ = 0;
    unfinished_.clear();
  }
  std::vector<log_line> found;
  if (size <= offset_) return found;
  const auto more =
      read_some(file_, offset_, std::min<std::size_t>(size - offset_, fresh_size_max));
  offset_ += more.size();
  const auto text = unfinished_ + more;
  unfinished_ = for_lines(text, [&](std::string_view raw) {
    if (auto line = make(raw); filter.passes(line)) found.push_back(std::move(line));
  });
  return found;
}

void sort_by_time(std::vector<log_line>& lines) {
  std::stable_sort(lines.begin(), lines.end(),
                   [](const log_line& a, const log_line& b) { return a.order < b.order; });
}

} // namespace kith::cli
