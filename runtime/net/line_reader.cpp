// Cuts a byte stream into lines.
#include "runtime/net/line_reader.hpp"

namespace kith::net {

result<> line_reader::feed(byte_view data, const std::function<bool(std::string_view)>& on_line) {
  const auto too_long = [this] {
    failed_ = true;
    rest_.clear();
    return fail(errc::too_large, "line_too_long",
                "a line has more than " + std::to_string(size_max_) + " bytes");
  };
  if (failed_) return too_long();

  const auto fits = [this](std::string_view open) {
    return open.size() <= size_max_ || (open.size() == size_max_ + 1 && open.back() == '\r');
  };
  std::string joined;
  std::string_view text = as_text(data);
  if (!rest_.empty()) {
    rest_.append(text);
    if (!kept_ && text.find('\n') == text.npos) { // a long line in many pieces is searched once
      if (!fits(rest_)) return too_long();
      return {};
    }
    joined = std::move(rest_);
    rest_.clear();
    text = joined;
  }
  kept_ = false;
  for (;;) {
    const auto end = text.find('\n');
    if (end == text.npos) {
      if (!fits(text)) return too_long();
      rest_ = text;
      return {};
    }
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > size_max_) return too_long();
    text.remove_prefix(end + 1);
    if (!on_line(line)) {
      rest_ = text;
      kept_ = true;
      return {};
    }
  }
}

} // namespace kith::net
