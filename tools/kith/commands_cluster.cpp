// The commands about nodes, but for `up` and `run`, which have files of their own.
#include "tools/kith/child_process.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/init.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/passphrase.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/signals.hpp"
#include "tools/kith/text_values.hpp"

#include <boost/json.hpp>
#include <ostream>
#include <poll.h>

namespace kith::cli {
namespace {

namespace json = boost::json;

// How long a node may take to stop when no deadline was said: its own, and time to close its store.
constexpr duration stop_patience = std::chrono::seconds(60);
// What a node takes after its deadline has passed.
constexpr duration stop_grace = std::chrono::seconds(15);

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

json::array as_json(const std::vector<std::string>& names) {
  return json::array(names.begin(), names.end());
}

// False if it still runs when the deadline has passed.
bool wait_until_gone(pid_t pid, time_point deadline) {
  const system_clock clock;
  constexpr int look_again_ms = 20;
  while (process_runs(pid)) {
    if (clock.now() >= deadline) return false;
    ::poll(nullptr, 0, look_again_ms);
  }
  return true;
}

} // namespace

result<int> init_command(const context& c) {
  init_request request;
  request.nodes = c.given.nodes == 0 ? 1 : c.given.nodes;
  request.listen = c.given.listen;
  request.join = c.given.join;
  request.secret_file = c.given.secret_file;
  if (c.given.passphrase)
    request.passphrase = [&](const auto& names) {
      return choose_passphrase(c.io, nodes_text(names));
    };
  KITH_ASSIGN(const auto made, init(c.dir, request));
  return c.print(json::object{{"dir", c.dir.path().string()}, {"created", as_json(made)}},
                 "Created " + listed(made) + " in " + c.dir.path().string() +
                     ". `kith up` starts the cluster.");
}

result<int> ps_command(const context& c) {
  KITH_TRY(c.dir.require());
  json::array nodes;
  if (!c.given.node.empty()) {
    KITH_ASSIGN(const auto name, c.dir.find_node(c.given.node));
    nodes.push_back(status_of(c, name));
  } else {
    for (const auto& name : c.dir.node_names()) nodes.push_back(status_of(c, name));
  }
  const auto text = render_nodes(nodes, system_clock().wall(), c.io.colour);
  return c.print(json::object{{"dir", c.dir.path().string()}, {"nodes", nodes}}, text);
}

namespace {

// Each time that it has changed, until Ctrl-C, or until nobody reads what is printed. Whatever ends
// the node ends this too.
result<int> watch_tree(const context& c) {
  constexpr duration look_interval = std::chrono::milliseconds(500);
  constexpr std::string_view clear_screen = "\x1b[H\x1b[2J";
  KITH_ASSIGN(auto signals, stop_signals::take_over());
  KITH_ASSIGN(auto connection, c.connect());
  json::value shown;
  do {
    KITH_ASSIGN(auto root, call(connection, "tree"));
    if (root == shown) continue;
    if (c.given.json)
      c.io.out << json::serialize(root) << '\n';
    else
      c.io.out << (c.io.out_is_terminal ? clear_screen : "") << render_tree(root, c.io.colour)
               << '\n';
    c.io.out << std::flush;
    shown = std::move(root);
  } while (c.io.out && !signals.wait(look_interval));
  return exit_ok;
}

} // namespace

result<int> tree_command(const context& c) {
  if (c.given.watch) return watch_tree(c);
  KITH_ASSIGN(auto connection, c.connect());
  KITH_ASSIGN(const auto root, call(connection, "tree"));
  return c.print(root, render_tree(root, c.io.colour));
}

result<int> stop_command(const context& c) {
  json::object args;
  auto patience = stop_patience;
  if (!c.given.deadline.empty()) {
    KITH_ASSIGN(const auto deadline, parse_duration(c.given.deadline));
    args["deadline_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(deadline).count();
    patience = deadline + stop_grace;
  }
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  struct stopping {
    std::string name;
    pid_t pid;
  };
  std::vector<stopping> asked; // all are asked first, so that they drain side by side
  for (auto& node : nodes) {
    KITH_ASSIGN(const auto status, call(node.connection, "status"));
    const auto pid = status.is_object() ? pid_t(int_at(status.get_object(), "pid")) : 0;
    KITH_TRY(call(node.connection, "stop", args));
    asked.push_back({node.name, pid});
  }
  const auto deadline = system_clock().now() + patience;
  std::vector<std::string> stopped;
  for (const auto& [name, pid] : asked) {
    if (!wait_until_gone(pid, deadline))
      return fail(errc::timeout, "still_stopping",
                  "node " + name + " (process " + std::to_string(pid) +
                      ") has not stopped yet; a second SIGTERM makes it stop at once");
    stopped.push_back(name);
  }
  return c.print(json::object{{"stopped", as_json(stopped)}}, "Stopped " + listed(stopped) + ".");
}

result<int> version_command(const context& c) {
  return c.print(json::object{{"name", "kith"}, {"version", c.what.version}},
                 "kith " + c.what.version);
}

} // namespace kith::cli
