// A terminal that shows one page, drawn anew again and again, and takes single keys; afterwards it
// is as it was.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace kith::cli {

class stop_signals;

// `text` as at most so many lines of so many columns. Colours do not count, and end with a line
// that is cut.
std::string page_of(std::string_view text, std::size_t rows, std::size_t columns);

class live_screen {
public:
  // Takes stdin and `out`, which must be one terminal: unavailable "no_terminal".
  static result<live_screen> open(std::ostream& out);
  live_screen(live_screen&&) noexcept;
  live_screen& operator=(live_screen&&) = delete;
  ~live_screen();

  std::size_t rows() const;
  void draw(std::string_view text);
  // Waits so long; true: somebody wants it to end (q, Ctrl-C, Ctrl-D, Escape, a signal), or the
  // terminal is gone.
  bool wait(duration patience, stop_signals& signals);

private:
  struct state;
  explicit live_screen(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

} // namespace kith::cli
