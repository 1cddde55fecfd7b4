// signalfd(2).
#include "tools/kith/signals.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>

namespace kith::cli {
namespace {

sigset_t stopping_ones() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
  return set;
}

} // namespace

result<stop_signals> stop_signals::take_over() {
  const auto set = stopping_ones();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &set, &before);
  ::signal(SIGPIPE, SIG_IGN);
  const int fd = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd >= 0) return stop_signals(fd, before);
  const std::string why = std::strerror(errno);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return fail(errc::io, "signalfd", "cannot wait for signals: " + why);
}

stop_signals::stop_signals(stop_signals&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), before_(other.before_) {}

stop_signals::~stop_signals() {
  if (fd_ < 0) return;
  ::close(fd_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> stop_signals::take() {
  signalfd_siginfo info;
  for (;;) {
    const auto n = ::read(fd_, &info, sizeof info);
    if (n == ssize_t(sizeof info)) return int(info.ssi_signo);
    if (n >= 0 || errno != EINTR) return std::nullopt;
  }
}

std::optional<int> stop_signals::wait(duration patience) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  pollfd p{fd_, POLLIN, 0};
  ::poll(&p, 1, int(std::clamp<std::int64_t>(ms, 0, 1'000'000'000)));
  return take();
}

void reset_signals_of_child() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
}

} // namespace kith::cli
