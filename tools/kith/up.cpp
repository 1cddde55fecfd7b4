// `kith up`: a cluster's nodes as processes of this machine, and staying with them until they are
// stopped.
#include "actors/client/wire.hpp"
#include "tools/kith/child_process.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/init.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/passphrase.hpp"
#include "tools/kith/readiness.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/signals.hpp"
#include "tools/kith/text_values.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>
#include <poll.h>
#include <sys/wait.h>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr duration ready_timeout_default = std::chrono::seconds(30);
constexpr duration look_interval = std::chrono::milliseconds(100);
// After a second signal, or when the start failed: then SIGKILL.
constexpr duration patience_at_once = std::chrono::seconds(10);

struct started {
  std::string name;
  child_process process;
  bool told = false; // that it has gone
};

class cluster {
public:
  cluster(const context& c, std::vector<std::string> names, stop_signals signals)
      : c_(c), names_(std::move(names)), signals_(std::move(signals)) {}

  // Starts the nodes that do not run, and hands each its passphrase, if it has one.
  result<> start(const node_passphrases& passphrases);
  // Waits until all are ready; else stops what was started, and says why.
  result<std::vector<json::object>> wait_ready(duration patience);
  bool started_any() const { return !children_.empty(); }
  // Until all that were started are gone.
  int stay();

private:
  result<std::vector<json::object>> until_ready(time_point deadline);
  result<> check_children() const;
  // Waits for output, an end or a signal; true for a signal.
  bool wait(duration patience);
  bool all_gone() const;
  void signal_all(int number);
  void end_all();
  void tell_deaths(bool stopping);

  const context& c_;
  std::vector<std::string> names_;
  stop_signals signals_;
  std::vector<started> children_;
  system_clock clock_;
};

result<> cluster::start(const node_passphrases& passphrases) {
  for (const auto& name : names_) {
    const auto status = status_of(c_, name);
    if (text_at(status, "state") != "stopped") continue;
    child_process::spec what;
    what.executable = c_.what.executable;
    what.arguments = {"run", "--dir", c_.dir.path().string(), "--node", name, "--json"};
    for (const auto& lib : c_.given.libs) {
      what.arguments.push_back("--lib");
      what.arguments.push_back(std::filesystem::absolute(lib).string());
    }
    if (const auto its = passphrases.find(name); its != passphrases.end()) {
      what.secret = &its->second;
      what.arguments.push_back("--passphrase-fd");
      what.arguments.push_back(std::to_string(child_process::secret_fd));
    }
    what.log = c_.dir.log_file(name);
    what.outlives_us = c_.given.detach;
    auto process = child_process::start(what);
    if (!process) {
      end_all();
      return fail(process.error());
    }
    children_.push_back({name, std::move(*process)});
  }
  return {};
}

result<std::vector<json::object>> cluster::wait_ready(duration patience) {
  auto statuses = until_ready(clock_.now() + patience);
  if (!statuses) end_all();
  return statuses;
}

result<std::vector<json::object>> cluster::until_ready(time_point deadline) {
  for (;;) {
    KITH_TRY(check_children());
    std::vector<json::object> statuses;
    for (const auto& name : names_) statuses.push_back(status_of(c_, name));
    const auto so_far = judge(statuses);
    if (so_far.ready) return statuses;
    KITH_TRY(so_far.hopeless);
    if (clock_.now() >= deadline)
      return fail(errc::timeout, "not_ready",
                  "the cluster did not get ready in time: " + so_far.waiting_for +
                      "; see the node.log files in " + c_.dir.path().string() + "/nodes");
    if (wait(look_interval))
      return fail(errc::cancelled, "interrupted", "stopped before the nodes were ready");
  }
}

// The last sentence that the node's process wrote to its log for a person, without its "kith: ".
std::string last_sentence(const std::filesystem::path& log) {
  constexpr std::uintmax_t tail_size = 8192;
  std::error_code ec;
  const auto size = std::filesystem::file_size(log, ec);
  const auto tail = read_some(log, !ec && size > tail_size ? size - tail_size : 0, tail_size);
  constexpr std::string_view mark = "\nkith: ";
  const auto begin = ("\n" + tail).rfind(mark);
  if (begin == std::string::npos) return {};
  const auto sentence = tail.substr(begin + mark.size() - 1);
  return sentence.substr(0, sentence.find('\n'));
}

// Why a process that has gone did not stay: the error in the document that `run --json` printed;
// and if it got ready and failed afterwards, what it wrote into its log, and its exit code.
result<> cluster::check_children() const {
  for (const auto& child : children_) {
    if (!child.process.gone()) continue;
    boost::system::error_code ec;
    const auto document = json::parse(child.process.output(), ec);
    const auto* said =
        !ec && document.is_object() ? document.get_object().if_contains("error") : nullptr;
    if (said && said->is_object()) {
      const auto& e = said->get_object();
      return fail(control::category_of(text_at(e, "category")), text_at(e, "code"),
                  "node " + child.name + ": " + text_at(e, "context"));
    }
    const auto status = child.process.status();
    const auto log = c_.dir.log_file(child.name);
    const auto why = WIFEXITED(status) ? last_sentence(log) : "";
    const auto code =
        WIFEXITED(status) ? category_of_exit_code(WEXITSTATUS(status)) : errc::internal;
    return fail(code, "node_died",
                "node " + child.name + " " + describe_status(status) +
                    " before the cluster was ready" +
                    (why.empty() ? "; see " + log.string() : ": " + why));
  }
  return {};
}

bool cluster::wait(duration patience) {
  std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}};
  for (const auto& child : children_)
    fds.push_back({child.process.fd(), POLLIN, 0}); // -1 is ignored
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  ::poll(fds.data(), fds.size(), patience < duration::zero() ? -1 : int(ms));
  for (std::size_t i = 0; i < children_.size(); ++i)
    if (fds[i + 1].revents) children_[i].process.read_output();
  return signals_.take().has_value();
}

bool cluster::all_gone() const {
  return std::all_of(children_.begin(), children_.end(),
                     [](const auto& c) { return c.process.gone(); });
}

void cluster::signal_all(int number) {
  for (const auto& child : children_) child.process.signal(number);
}

// They have nothing yet that is worth draining.
void cluster::end_all() {
  signal_all(SIGTERM);
  const auto deadline = clock_.now() + patience_at_once;
  while (!all_gone() && clock_.now() < deadline) wait(look_interval);
  signal_all(SIGKILL);
  while (!all_gone()) wait(look_interval);
}

void cluster::tell_deaths(bool stopping) {
  for (auto& child : children_) {
    if (!child.process.gone() || child.told) continue;
    child.told = true;
    if (child.process.status() == 0) {
      c_.io.err << "kith: node " << child.name << " has stopped" << std::endl;
      continue;
    }
    c_.io.err << "kith: node " << child.name << " (process " << child.process.pid() << ") "
              << describe_status(child.process.status());
    if (!stopping) c_.io.err << "; `kith up --detach` starts it again";
    c_.io.err << std::endl;
  }
}

int cluster::stay() {
  constexpr duration for_ever = std::chrono::nanoseconds(-1);
  unsigned signals_seen = 0;
  time_point kill_at{};
  while (!all_gone()) {
    const auto patience = signals_seen < 2 ? for_ever : look_interval;
    if (wait(patience) && signals_seen < 2) {
      if (++signals_seen == 1)
        c_.io.err << "kith: stopping the nodes; once more stops them at once" << std::endl;
      else
        kill_at = clock_.now() + patience_at_once;
      signal_all(SIGTERM);
    }
    if (signals_seen == 2 && clock_.now() >= kill_at) signal_all(SIGKILL);
    tell_deaths(signals_seen > 0);
  }
  const bool in_order = std::all_of(children_.begin(), children_.end(),
                                    [](const auto& c) { return c.process.status() == 0; });
  return in_order ? exit_ok : exit_failed;
}

// Makes the nodes that are missing; the names of those to start. `chosen` is what new ones were
// sealed under.
result<std::vector<std::string>> nodes_to_start(const context& c,
                                                std::optional<crypto::secret_buffer>& chosen) {
  const auto there = c.dir.node_names();
  const std::size_t wanted =
      c.given.nodes != 0 ? c.given.nodes : std::max<std::size_t>(1, there.size());
  if (there.size() < wanted) {
    init_request request;
    request.nodes = unsigned(wanted);
    if (c.given.passphrase)
      request.passphrase = [&](const auto& names) -> result<crypto::secret_buffer> {
        KITH_ASSIGN(chosen, choose_passphrase(c.io, nodes_text(names)));
        return chosen->clone();
      };
    KITH_TRY(init(c.dir, request));
  }
  if (!c.given.node.empty()) {
    KITH_ASSIGN(auto one, c.dir.find_node(c.given.node));
    return std::vector<std::string>{std::move(one)};
  }
  auto names = c.dir.node_names();
  names.resize(std::min(names.size(), wanted));
  return names;
}

// What their keys are sealed under; asks for it, unless they run already.
result<node_passphrases> passphrases_of(const context& c, const std::vector<std::string>& names,
                                        std::optional<crypto::secret_buffer>& chosen) {
  if (c.given.passphrase) KITH_TRY(seal_nodes(c, names, chosen));
  std::vector<std::string> stopped;
  for (const auto& name : names)
    if (text_at(status_of(c, name), "state") == "stopped") stopped.push_back(name);
  return ask_for_nodes(c, stopped, chosen ? &*chosen : nullptr);
}

} // namespace

result<int> up_command(const context& c) {
  auto patience = ready_timeout_default;
  if (!c.given.ready_timeout.empty()) {
    KITH_ASSIGN(patience, parse_duration(c.given.ready_timeout));
  }
  std::optional<crypto::secret_buffer> chosen;
  KITH_ASSIGN(auto names, nodes_to_start(c, chosen));
  KITH_ASSIGN(auto passphrases, passphrases_of(c, names, chosen));
  KITH_ASSIGN(auto signals, stop_signals::take_over());
  cluster nodes(c, std::move(names), std::move(signals));
  KITH_TRY(nodes.start(passphrases));
  passphrases.clear(); // the nodes have them; we may stay for weeks
  chosen.reset();
  KITH_ASSIGN(const auto statuses, nodes.wait_ready(patience));
  const json::array listed(statuses.begin(), statuses.end());
  c.print(json::object{{"dir", c.dir.path().string()}, {"nodes", listed}},
          render_nodes(listed, system_clock().wall(), c.io.colour));
  if (!nodes.started_any()) c.io.err << "kith: all of them were running already" << std::endl;
  if (c.given.detach) return exit_ok;
  return nodes.stay();
}

} // namespace kith::cli
