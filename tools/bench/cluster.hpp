// Nodes of this program in a temporary directory of their own, for the rows that need some.
#pragma once

#include "runtime/base/clock.hpp"
#include "tools/bench/process.hpp"

#include <kith/client.hpp>
#include <kith/json.hpp>
#include <memory>
#include <optional>

namespace kith::bench {

// Waits, and does nothing meanwhile: what is waited for needs the cores.
void pause(duration time);

class temporary_directory {
public:
  static result<temporary_directory> make();
  temporary_directory(temporary_directory&& o) noexcept : path_(std::exchange(o.path_, {})) {}
  temporary_directory& operator=(temporary_directory&&) = delete;
  ~temporary_directory();
  const std::string& path() const { return path_; }

private:
  explicit temporary_directory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

using setting_variables = std::vector<std::pair<std::string, std::string>>; // "KITH_LOG_LEVEL"

// What a node's journal wrote between two looks.
struct journal_numbers {
  double commits = 0, records = 0, bytes = 0;
  journal_numbers since(const journal_numbers& earlier) const {
    return {commits - earlier.commits, records - earlier.records, bytes - earlier.bytes};
  }
};

// A node's control socket.
class node_control {
public:
  static result<node_control> connect(const std::string& dir, const std::string& node);

  result<json> call(const std::string& verb, const json& arguments);
  result<std::string> spawn(const std::string& type, const std::string& node = {});
  // An agent's answer.
  result<json> ask(const std::string& agent, const std::string& kind, const json& what);
  // Has an agent do what `order` says: it begins with "go", and "result" says when it is done.
  result<json> have_done(const std::string& agent, const json& order);
  result<journal_numbers> journal();

private:
  explicit node_control(client c) : client_(std::move(c)) {}
  client client_;
};

// Nodes n1, n2, ... that run in the background, stopped with this object.
class cluster {
public:
  static result<std::unique_ptr<cluster>> start(unsigned nodes, setting_variables set = {});
  ~cluster();
  node_control& control(std::size_t node = 1) { return controls_[node - 1]; }

private:
  explicit cluster(temporary_directory dir) : dir_(std::move(dir)) {}
  temporary_directory dir_;
  std::vector<node_control> controls_;
};

// One node whose process comes and goes, on a store that stays.
class restarted_node {
public:
  static result<std::unique_ptr<restarted_node>> make(setting_variables set = {});
  ~restarted_node();

  // Seconds from before its process begins until its status is ready.
  result<double> start();
  // In order, and waits for its end.
  result<void> stop();
  // By SIGKILL.
  void kill();
  pid_t pid() const { return process_->pid(); }
  time_point begun() const { return begun_; } // the last start
  node_control& control() { return *control_; }

private:
  explicit restarted_node(temporary_directory dir) : dir_(std::move(dir)) {}
  temporary_directory dir_;
  setting_variables set_;
  time_point begun_{};
  std::optional<background_process> process_;
  std::optional<node_control> control_;
};

} // namespace kith::bench
