// This very program, run again as another process: the nodes and the baselines of the bench.
#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace kith::bench {

// Runs to its end; what it printed. Errors: io "cannot_start"; internal "process_failed" with its
// exit code.
result<std::string> run_process(const std::vector<std::string>& arguments);

// Runs until this object goes, which closes its input; then it is waited for.
class background_process {
public:
  static result<background_process> start(const std::vector<std::string>& arguments);
  background_process(background_process&& other) noexcept;
  background_process& operator=(background_process&&) = delete;
  ~background_process();

  // The next line that it prints, without its end. internal "process_failed" if it ends instead.
  result<std::string> line();

private:
  background_process(pid_t pid, int in, int out) : pid_(pid), in_(in), out_(out) {}
  pid_t pid_;
  int in_;
  int out_;
  friend result<std::string> run_process(const std::vector<std::string>& arguments);
  int wait();
};

} // namespace kith::bench
