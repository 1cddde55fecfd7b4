#include "tools/bench/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace kith::bench {

result<background_process> background_process::start(const std::vector<std::string>& arguments) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
    return fail(errc::io, "cannot_start", "no pipe for a child process");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::vector<char*> argv{const_cast<char*>("kith")};
  for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  int failed = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  if (failed != 0) {
    ::close(in[1]);
    ::close(out[0]);
    return fail(errc::io, "cannot_start", "this program cannot be run again as a child process");
  }
  return background_process(pid, in[1], out[0]);
}

background_process::background_process(background_process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), in_(std::exchange(other.in_, -1)),
      out_(std::exchange(other.out_, -1)) {}

background_process::~background_process() { wait(); }

int background_process::wait() {
  if (pid_ == 0) return 0;
  ::close(in_);
  ::close(out_);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

result<std::string> background_process::line() {
  std::string text;
  char c = 0;
  while (::read(out_, &c, 1) == 1) {
    if (c == '\n') return text;
    text += c;
  }
  return fail(errc::internal, "process_failed", "a child process of the bench ended early");
}

result<std::string> run_process(const std::vector<std::string>& arguments) {
  KITH_ASSIGN(auto child, background_process::start(arguments));
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(child.out_, buffer, sizeof buffer)) > 0;)
    text.append(buffer, std::size_t(n));
  if (int code = child.wait(); code != 0)
    return fail(errc::internal, "process_failed",
                "kith " + arguments.front() + " ended with " + std::to_string(code));
  return text;
}

} // namespace kith::bench
