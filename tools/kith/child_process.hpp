// One node's process, as `up` starts and watches it. Its stdout is a pipe to us: the one document
// that `run --json` prints when it is ready or could not start, and the pipe's end says that the
// process has gone.
#pragma once

#include "runtime/crypto/secret.hpp"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace kith::cli {

// Not thread-safe. Destroying it lets the process live.
class child_process {
public:
  static constexpr std::size_t output_size_max =
      64 * 1024; // bytes of stdout kept; the rest is dropped
  static constexpr int secret_fd = 3;

  struct spec {
    std::string executable;
    std::vector<std::string> arguments; // without the program's name
    std::filesystem::path log;          // stderr is appended to it
    // If not null it can be read, once, at descriptor secret_fd: it came through a pipe, and so is
    // in no argument, no environment and no file.
    const crypto::secret_buffer* secret = nullptr;
    bool outlives_us = false; // false: gets SIGTERM when this process dies, however it does
  };
  // In a session of its own, so that a terminal's Ctrl-C reaches it only through us. io
  // "cannot_start".
  static result<child_process> start(const spec& what);

  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&& other) noexcept;
  ~child_process();

  pid_t pid() const { return pid_; }
  // For poll(2): readable when there is output, or it has gone; -1 afterwards.
  int fd() const { return fd_; }
  // To be called when fd() is readable. False once the process has gone; then status() is known.
  bool read_output();
  const std::string& output() const { return output_; }
  bool gone() const { return fd_ < 0; }
  // As waitpid(2) gives it.
  int status() const { return status_; }
  // Nothing happens if it has gone.
  void signal(int number) const;

private:
  child_process(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  pid_t pid_;
  int fd_;
  int status_ = 0;
  std::string output_;
};

// "was killed by signal 9 (Killed)", "ended with exit code 3".
std::string describe_status(int status);

// Whether a process of this id exists; one that has ended and that nobody waited for does not
// count.
bool process_runs(pid_t pid);

} // namespace kith::cli
