// termios(3) on /dev/tty, with the signals that would leave it silent read from a descriptor.
#include "tools/kith/terminal.hpp"

#include "runtime/base/descriptor.hpp"
#include "runtime/identity/key_file.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

namespace kith::cli {
namespace {

error unusable(const std::string& how) {
  return {errc::unavailable, "no_terminal", "the terminal cannot be used: " + how};
}

// While it lives the signals that end the process wait, and can be read; so does Ctrl-Z, which is
// taken up afterwards.
class held_signals {
public:
  held_signals() {
    sigset_t ending, held;
    sigemptyset(&ending);
    for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&ending, s);
    held = ending;
    sigaddset(&held, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
    fd_ = ::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  held_signals(const held_signals&) = delete;
  ~held_signals() {
    if (fd_ >= 0) ::close(fd_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  int fd() const { return fd_; }
  // Whether one came; then it is taken.
  bool came() const {
    signalfd_siginfo info;
    return ::read(fd_, &info, sizeof info) == ssize_t(sizeof info);
  }

private:
  sigset_t before_;
  int fd_ = -1;
};

// While it lives the terminal does not show what is typed.
class silence {
public:
  explicit silence(int terminal) : terminal_(terminal) {
    if (::tcgetattr(terminal_, &before_) != 0) return;
    auto silent = before_;
    silent.c_lflag &= ~tcflag_t(ECHO | ECHOE | ECHOK | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    kept_ = ::tcsetattr(terminal_, TCSAFLUSH, &silent) == 0;
  }
  silence(const silence&) = delete;
  ~silence() {
    if (kept_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  bool kept() const { return kept_; }

private:
  int terminal_;
  termios before_{};
  bool kept_ = false;
};

bool say(int terminal, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(terminal, text.data(), text.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) text.remove_prefix(std::size_t(n));
  }
  return true;
}

// A line without its end. The terminal hands out whole lines.
result<crypto::secret_buffer> read_line(int terminal, const held_signals& signals) {
  const error interrupted{errc::cancelled, "interrupted", "no passphrase was given"};
  crypto::secret_buffer line(secret_file_size_max + 1);
  pollfd fds[] = {{signals.fd(), POLLIN, 0}, {terminal, POLLIN, 0}};
  for (;;) {
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return fail(unusable(std::strerror(errno)));
    if (signals.came()) return fail(interrupted);
    if (fds[1].revents == 0) continue;
    const auto n = ::read(terminal, line.expose_mutable().data(), line.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return fail(unusable(std::strerror(errno)));
    const auto got = line.expose().first(std::size_t(n));
    if (got.empty()) return fail(interrupted); // Ctrl-D
    if (got.back() == '\n') return crypto::secret_buffer(got.first(got.size() - 1));
    return fail(errc::too_large, "passphrase_size",
                "a passphrase is one line of at most 1023 bytes");
  }
}

} // namespace

result<crypto::secret_buffer> ask_at_terminal(const std::string& question) {
  if (::isatty(STDIN_FILENO) != 1)
    return fail(errc::unavailable, "no_terminal", "stdin is no terminal");
  const descriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (terminal.get() < 0) return fail(unusable(std::strerror(errno)));
  const held_signals signals;
  if (signals.fd() < 0) return fail(unusable(std::strerror(errno)));
  result<crypto::secret_buffer> line = fail(unusable("it cannot be made silent"));
  {
    const silence silent(terminal.get());
    if (!silent.kept() || !say(terminal.get(), question)) return line;
    line = read_line(terminal.get(), signals);
  }
  if (!say(terminal.get(), "\n")) return fail(unusable(std::strerror(errno)));
  return line;
}

} // namespace kith::cli
