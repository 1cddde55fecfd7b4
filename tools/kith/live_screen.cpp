#include "tools/kith/live_screen.hpp"

#include "tools/kith/signals.hpp"

#include <algorithm>
#include <cerrno>
#include <ostream>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace kith::cli {
namespace {

// xterm's, as terminfo has them for all that is in use: another page, without a cursor; and back.
constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view home = "\x1b[H", clear_line = "\x1b[K", clear_below = "\x1b[J";
constexpr std::string_view plain = "\x1b[0m";

winsize size_of_terminal() {
  winsize w{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0)
    w.ws_row = 24, w.ws_col = 80;
  return w;
}

} // namespace

std::string page_of(std::string_view text, std::size_t rows, std::size_t columns) {
  std::string out;
  std::size_t row = 0, column = 0;
  bool cut = false;
  for (std::size_t i = 0; i < text.size() && row < rows; ++i) {
    const char c = text[i];
    if (c == '\n') {
      if (cut) out += plain;
      out += '\n';
      ++row, column = 0, cut = false;
      continue;
    }
    if (c == '\x1b') { // ESC [ ... letter
      const auto end = text.find_first_of("mHJKhl", i);
      if (end == text.npos) break;
      if (!cut) out += text.substr(i, end - i + 1);
      i = end;
      continue;
    }
    const bool begins = (c & 0xc0) != 0x80;
    if (begins && column >= columns) cut = true;
    if (cut) continue;
    out += c;
    if (begins) ++column;
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

struct live_screen::state {
  explicit state(std::ostream& to) : out(to) {}
  state(const state&) = delete;
  ~state() {
    out << leave << std::flush;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  }
  std::ostream& out;
  termios before{};
};

live_screen::live_screen(std::unique_ptr<state> s) : state_(std::move(s)) {}
live_screen::live_screen(live_screen&&) noexcept = default;
live_screen::~live_screen() = default;

result<live_screen> live_screen::open(std::ostream& out) {
  termios before{};
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1 ||
      ::tcgetattr(STDIN_FILENO, &before) != 0)
    return fail(errc::unavailable, "no_terminal", "stdin and stdout are not a terminal");
  auto keys = before;
  // Ctrl-C and Ctrl-Z too come as keys, so that none leaves the terminal as it is now.
  keys.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG);
  keys.c_cc[VMIN] = 0, keys.c_cc[VTIME] = 0;
  if (::tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys) != 0)
    return fail(errc::unavailable, "no_terminal", "the terminal's settings cannot be changed");
  auto made = std::make_unique<state>(out);
  made->before = before;
  out << enter << std::flush;
  return live_screen(std::move(made));
}

std::size_t live_screen::rows() const { return size_of_terminal().ws_row; }

void live_screen::draw(std::string_view text) {
  const auto size = size_of_terminal();
  const auto page = page_of(text, size.ws_row, size.ws_col);
  std::string drawn(home);
  for (const char c : page) {
    if (c == '\n') drawn += clear_line;
    if (c == '\n') drawn += '\r';
    drawn += c;
  }
  drawn += clear_line;
  drawn += clear_below;
  state_->out << drawn << std::flush;
}

bool live_screen::wait(duration patience, stop_signals& signals) {
  const system_clock clock;
  const auto end = clock.now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock.now()).count();
    if (left <= 0) return false;
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    const auto ready = ::poll(fds, 2, int(std::min<std::int64_t>(left, 1'000'000'000)));
    if (ready < 0 && errno != EINTR) return true;
    if (ready < 0) continue;
    if (signals.take()) return true;
    if ((fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return true;
    if ((fds[0].revents & POLLIN) == 0) continue;
    char key = 0;
    const auto n = ::read(STDIN_FILENO, &key, 1);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) return true;
    if (n == 1 && (key == 'q' || key == 'Q' || key == 3 || key == 4 || key == 27)) return true;
  }
}

} // namespace kith::cli
