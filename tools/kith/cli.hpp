// The command line as a library. It knows no agent type and starts no node by itself: the program
// that it is part of hands in how (tools/kith/program), so that all of it is tested with a node
// that is none.
#pragma once

#include "runtime/base/clock.hpp"
#include "runtime/base/result.hpp"
#include "tools/kith/options.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace kith::cli {

// A node in this process, as `run` sees it; see actors/node/node.hpp for what each does.
class running_node {
public:
  virtual ~running_node() = default;
  virtual std::string id() const = 0;
  virtual std::string name() const = 0;
  virtual std::string link_address() const = 0;
  virtual void begin_stop() = 0;
  virtual bool wait_stopped(duration patience) = 0;
};

struct node_start {
  std::filesystem::path dir;     // the node's own
  std::vector<std::string> set;  // key=value, above file and environment
  std::vector<std::string> libs; // shared libraries with agent types, to be loaded before
  // May be called on any thread, and takes note only.
  std::function<void(const error&)> on_fatal;
  // Of its key, if it is sealed and no keys.passphrase_file is set.
  std::optional<crypto::secret_buffer> passphrase = std::nullopt;
};

// A command that another library brings, such as `kith bench`. It parses its own arguments: all
// that follows its name.
struct command {
  std::string name;
  std::string about;
  bool hidden = false;                                    // not in `kith --help`
  std::function<int(const console&, const options&)> run; // the exit code
};

struct program {
  std::string version;
  std::function<result<std::unique_ptr<running_node>>(node_start)> start_node;
  // `sim`; empty: this program has no simulator.
  std::function<result<int>(const console&, const options&)> simulate = {};
  std::vector<command> commands;
  // What `up` starts its nodes with; a test has its own.
  std::string executable = "/proc/self/exe";
  // Ends the process without another word, as _exit(2): a node that is to stop at once must not
  // wait for its own threads. Nothing is lost by it that was acknowledged. If empty, `run` destroys
  // the node and returns.
  std::function<void(int code)> exit_now;
};

// Runs one command. `arguments` are without the program's name. The exit code (exit_code.hpp).
// `run` and `up` take over SIGINT, SIGTERM and SIGHUP of the calling thread, which must be the only
// one then.
int run(const std::vector<std::string>& arguments, const program& what, const console& io);

} // namespace kith::cli
