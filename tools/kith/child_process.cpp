// fork, exec, and what must happen between them.
#include "tools/kith/child_process.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/signals.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace kith::cli {
namespace {

// Only async-signal-safe calls from here to exec.
[[noreturn]] void become(const char* executable, char* const* arguments, int out, int log,
                         int secret, bool outlives_us, pid_t parent) {
  ::setsid();
  reset_signals_of_child();
  if (!outlives_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1); // it died before we had said so
  }
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  // The last, for it may take the number of one of the others.
  if (secret == child_process::secret_fd)
    ::fcntl(secret, F_SETFD, 0);
  else if (secret >= 0)
    ::dup2(secret, child_process::secret_fd);
  ::execv(executable, arguments);
  constexpr char text[] = "kith: cannot run the node's program\n";
  if (::write(STDERR_FILENO, text, sizeof text - 1) < 0) ::_exit(126);
  ::_exit(127);
}

// The end to read of a pipe that holds all of it; -1 and errno if that fails.
int pipe_with(const crypto::secret_buffer& secret) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK); // what does not fit at once is an error, and no wait
  const auto written = ::write(ends[1], secret.expose().data(), secret.size());
  const int why = errno;
  ::close(ends[1]);
  if (written == ssize_t(secret.size())) return ends[0];
  ::close(ends[0]);
  errno = written < 0 ? why : EAGAIN;
  return -1;
}

} // namespace

result<child_process> child_process::start(const spec& what) {
  const auto failed = [&](const std::string& how) {
    return fail(errc::io, "cannot_start",
                "cannot start a node: " + how + ": " + std::strerror(errno));
  };
  const int log = ::open(what.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return failed(what.log.string());
  const int secret = what.secret ? pipe_with(*what.secret) : -1;
  int pipe[2];
  if ((what.secret && secret < 0) || ::pipe2(pipe, O_CLOEXEC) != 0) {
    const auto why = failed("pipe");
    ::close(log);
    if (secret >= 0) ::close(secret);
    return why;
  }
  std::vector<std::string> words{"kith"};
  words.insert(words.end(), what.arguments.begin(), what.arguments.end());
  std::vector<char*> arguments;
  for (auto& w : words) arguments.push_back(w.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0)
    become(what.executable.c_str(), arguments.data(), pipe[1], log, secret, what.outlives_us,
           parent);
  ::close(log);
  ::close(pipe[1]);
  if (secret >= 0) ::close(secret);
  if (pid < 0) {
    ::close(pipe[0]);
    return failed("fork");
  }
  ::fcntl(pipe[0], F_SETFL, O_NONBLOCK);
  return child_process(pid, pipe[0]);
}

child_process::child_process(child_process&& other) noexcept
    : pid_(other.pid_), fd_(std::exchange(other.fd_, -1)), status_(other.status_),
      output_(std::move(other.output_)) {}

child_process& child_process::operator=(child_process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(fd_, other.fd_);
  std::swap(status_, other.status_);
  std::swap(output_, other.output_);
  return *this;
}

child_process::~child_process() {
  if (fd_ >= 0) ::close(fd_);
}

bool child_process::read_output() {
  char chunk[4096];
  while (fd_ >= 0) {
    const auto n = ::read(fd_, chunk, sizeof chunk);
    if (n > 0) {
      output_.append(chunk, std::min(std::size_t(n), output_size_max - output_.size()));
    } else if (n < 0 && errno == EAGAIN) {
      return true;
    } else if (n == 0 || errno != EINTR) {
      ::close(fd_);
      fd_ = -1;
      while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
      }
    }
  }
  return false;
}

void child_process::signal(int number) const {
  if (!gone()) ::kill(pid_, number);
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status))
    return "was killed by signal " + std::to_string(WTERMSIG(status)) + " (" +
           ::strsignal(WTERMSIG(status)) + ")";
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

bool process_runs(pid_t pid) {
  if (pid <= 0 || (::kill(pid, 0) != 0 && errno == ESRCH)) return false;
  // "4711 (kith) Z ...": a process that nobody has waited for yet.
  const auto stat = read_some("/proc/" + std::to_string(pid) + "/stat", 0, 4096);
  const auto name_end = stat.rfind(')');
  if (name_end == stat.npos) return !stat.empty();
  const auto state = stat.substr(name_end + 1, 2);
  return state != " Z" && state != " X";
}

} // namespace kith::cli
