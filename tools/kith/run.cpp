// `kith run`: one node in this process, until a signal, its control socket or a failure ends it.
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/passphrase.hpp"
#include "tools/kith/signals.hpp"

#include <boost/json.hpp>
#include <mutex>
#include <optional>
#include <ostream>
#include <unistd.h>

namespace kith::cli {
namespace {

// How long a stop by the control socket, or a failure, may go unnoticed here.
constexpr duration look_interval = std::chrono::milliseconds(50);

// What the node says when it cannot go on; said on a thread of the node's.
class failure_note {
public:
  void take(const error& e) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = e;
  }
  std::optional<error> get() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

private:
  mutable std::mutex mutex_;
  std::optional<error> failure_;
};

// Until the node has stopped. Nothing if it stopped in order.
std::optional<error> tend(const context& c, running_node& node, stop_signals& signals,
                          const failure_note& failure) {
  bool stopping = false;
  while (!node.wait_stopped(duration::zero())) {
    if (auto e = failure.get()) return e;
    if (!signals.wait(look_interval)) continue;
    if (stopping)
      return error{errc::cancelled, "stopped_at_once",
                   "node " + node.name() + " was stopped at once, before it had drained"};
    stopping = true;
    c.io.err << "kith: stopping node " << node.name() << "; once more stops it at once"
             << std::endl;
    node.begin_stop();
  }
  return failure.get();
}

// Nothing if its key is not sealed, or the node itself knows where its passphrase is.
result<std::optional<crypto::secret_buffer>> passphrase_of(const context& c,
                                                           const std::string& name) {
  if (c.given.passphrase_fd >= 0) return read_passphrase(c.given.passphrase_fd);
  KITH_ASSIGN(auto asked, ask_for_nodes(c, std::span(&name, 1), nullptr));
  const auto found = asked.find(name);
  if (found == asked.end()) return std::nullopt;
  return std::move(found->second);
}

} // namespace

result<int> run_command(const context& c) {
  KITH_ASSIGN(const auto name, c.one_node());
  const auto failure = std::make_shared<failure_note>(); // shared with the node's threads
  node_start start{c.dir.node_dir(name), c.given.set, c.given.libs,
                   [failure](const error& e) { failure->take(e); }};
  KITH_ASSIGN(start.passphrase, passphrase_of(c, name));
  KITH_ASSIGN(auto signals, stop_signals::take_over());
  KITH_ASSIGN(auto node, c.what.start_node(std::move(start)));
  const auto pid_file = c.dir.pid_file(name);
  KITH_TRY(write_file(pid_file, std::to_string(::getpid()) + "\n"));
  c.print(boost::json::object{{"name", node->name()},
                              {"node", node->id()},
                              {"pid", ::getpid()},
                              {"link_address", node->link_address()}},
          "Node " + node->name() + " is at " + node->link_address() + ", process " +
              std::to_string(::getpid()) + ", " + node->id() + ".");
  const auto ended_by = tend(c, *node, signals, *failure);
  if (!ended_by) node.reset();
  ::unlink(pid_file.c_str()); // if it stays, it names a process that is gone
  if (!ended_by) return exit_ok;
  // The document is printed already, so this goes to a person only.
  const int code = report(c.io, false, *ended_by);
  if (c.what.exit_now) c.what.exit_now(code);
  return code;
}

} // namespace kith::cli
