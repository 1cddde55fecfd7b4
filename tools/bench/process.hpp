// Other processes: this very program run again, as nodes and baselines of the bench, and others.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace kith::bench {

// What to run. `program` is empty for this very one, then `arguments` begin with its command.
struct process_spec {
  std::vector<std::string> arguments;
  std::string program = {};
  std::string error_file = {}; // where its standard error goes; empty: where ours does
};

// Runs to its end; what it printed. Errors: io "cannot_start"; internal "process_failed" with its
// exit code; timeout "process_stuck" if it neither ends nor prints for minutes: it is killed then.
result<std::string> run_process(const process_spec& what);
inline result<std::string> run_process(std::vector<std::string> arguments) {
  return run_process(process_spec{std::move(arguments)});
}

// Runs until this object goes, which closes its input and waits for it; one that stays is killed.
class background_process {
public:
  static result<background_process> start(const process_spec& what);
  static result<background_process> start(std::vector<std::string> arguments) {
    return start(process_spec{std::move(arguments)});
  }
  background_process(background_process&& other) noexcept;
  background_process& operator=(background_process&&) = delete;
  ~background_process();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // The next line that it prints, without its end. internal "process_failed" if it ends instead,
  // timeout "process_stuck" as above.
  result<std::string> line();
  // Its last output and its end. Errors as of run_process.
  result<std::string> finish();

private:
  background_process(std::string name, pid_t pid, int in, int out)
      : name_(std::move(name)), pid_(pid), in_(in), out_(out) {}
  int wait();
  error kill_stuck() const;

  std::string name_;
  pid_t pid_;
  int in_;
  int out_;
};

// Resident bytes of a process; 0 if it is gone.
std::uint64_t resident_bytes(pid_t pid);

} // namespace kith::bench
