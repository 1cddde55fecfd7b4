// Cuts a byte stream into lines (JSON lines on the control socket): no copy of a line that came in
// one piece.
#pragma once

#include "runtime/base/bytes.hpp"

#include <functional>

namespace kith::net {

// Lines end with LF; a CR before it is dropped. Not thread-safe.
class line_reader {
public:
  // A line of more than `size_max` bytes (without its LF) is an error.
  explicit line_reader(std::size_t size_max) : size_max_(size_max) {}

  // Calls `on_line` for every line that `data` completes; the view dies with the call. `on_line`
  // returns whether to go on: after false the rest is kept for the next feed. too_large
  // "line_too_long": the reader is of no more use.
  result<> feed(byte_view data, const std::function<bool(std::string_view)>& on_line);

  // Bytes of the line that is not complete yet, and of lines kept after a false.
  std::size_t pending() const { return rest_.size(); }

private:
  std::size_t size_max_;
  std::string rest_;
  bool kept_ = false; // whole lines may lie in rest_
  bool failed_ = false;
};

} // namespace kith::net
