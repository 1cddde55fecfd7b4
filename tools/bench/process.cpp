#include "tools/bench/process.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace kith::bench {

namespace {

using steady = std::chrono::steady_clock;

constexpr const char* ourselves = "/proc/self/exe";
constexpr auto silence_max = std::chrono::minutes(4); // of a child, which then counts as stuck
constexpr auto ending_max = std::chrono::seconds(30); // once its input is closed

bool readable(int fd, steady::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady::now()).count();
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, int(std::max<long>(left, 0))) > 0;
}

// Reads what is there, waiting for it as long as `end` allows: bytes read, 0 at the end of what the
// child prints, -1 if nothing came in time.
ssize_t read_until(int fd, char* to, std::size_t size, steady::time_point end) {
  return readable(fd, end) ? ::read(fd, to, size) : -1;
}

// Its command, for people.
std::string name_of(const process_spec& what) {
  auto name = what.program.empty() ? "kith" : what.program;
  return what.arguments.empty() ? name : name + " " + what.arguments.front();
}

int spawn(const process_spec& what, int in, int out, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, 1);
  if (!what.error_file.empty())
    ::posix_spawn_file_actions_addopen(&actions, 2, what.error_file.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
  const auto* program = what.program.empty() ? ourselves : what.program.c_str();
  std::vector<char*> argv{const_cast<char*>(what.program.empty() ? "kith" : program)};
  for (const auto& a : what.arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  int failed = ::posix_spawn(&pid, program, &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return failed;
}

} // namespace

result<background_process> background_process::start(const process_spec& what) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
    return fail(errc::io, "cannot_start", "no pipe for a child process");
  pid_t pid = 0;
  int failed = spawn(what, in[0], out[1], pid);
  ::close(in[0]);
  ::close(out[1]);
  if (failed != 0) {
    ::close(in[1]);
    ::close(out[0]);
    return fail(errc::io, "cannot_start",
                (what.program.empty() ? "this program" : what.program) +
                    " cannot be run as a child process");
  }
  return background_process(name_of(what), pid, in[1], out[0]);
}

background_process::background_process(background_process&& other) noexcept
    : name_(std::move(other.name_)), pid_(std::exchange(other.pid_, 0)),
      in_(std::exchange(other.in_, -1)), out_(std::exchange(other.out_, -1)) {}

background_process::~background_process() { wait(); }

void background_process::signal(int number) const {
  if (pid_ != 0) ::kill(pid_, number);
}

int background_process::wait() {
  if (pid_ == 0) return 0;
  ::close(in_);
  ::close(out_);
  const int watched = int(::syscall(SYS_pidfd_open, pid_, 0));
  if (watched < 0 || !readable(watched, steady::now() + ending_max)) kill_stuck();
  ::close(watched);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

result<std::string> background_process::line() {
  const auto end = steady::now() + silence_max;
  std::string text;
  char c = 0;
  ssize_t n = 0;
  while ((n = read_until(out_, &c, 1, end)) == 1) {
    if (c == '\n') return text;
    text += c;
  }
  if (n == 0) return fail(errc::internal, "process_failed", name_ + " ended early");
  return fail(kill_stuck());
}

error background_process::kill_stuck() const {
  signal(SIGKILL);
  error why{errc::timeout, "process_stuck", name_ + " stood still and was killed"};
  std::fprintf(stderr, "kith: bench: %s\n", why.what().c_str());
  return why;
}

result<std::string> background_process::finish() {
  const auto end = steady::now() + silence_max;
  std::string text;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = read_until(out_, buffer, sizeof buffer, end)) > 0)
    text.append(buffer, std::size_t(n));
  if (n < 0) {
    auto why = kill_stuck();
    wait();
    return fail(std::move(why));
  }
  if (int code = wait(); code != 0)
    return fail(errc::internal, "process_failed", name_ + " ended with " + std::to_string(code));
  return text;
}

result<std::string> run_process(const process_spec& what) {
  KITH_ASSIGN(auto child, background_process::start(what));
  return child.finish();
}

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:")) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  return 0;
}

} // namespace kith::bench
