#include "tools/bench/cluster.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace kith::bench {

namespace {

namespace fs = std::filesystem;

constexpr duration patience = std::chrono::minutes(3);
constexpr duration long_patience = std::chrono::minutes(4); // of what an agent is to do

// Variables of the environment for as long as a process is started.
class with_variables {
public:
  explicit with_variables(const setting_variables& set) : set_(set) {
    for (const auto& [name, value] : set_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  with_variables(const with_variables&) = delete;
  ~with_variables() {
    for (const auto& [name, value] : set_) ::unsetenv(name.c_str());
  }

private:
  const setting_variables& set_;
};

} // namespace

void pause(duration time) { std::this_thread::sleep_for(time); }

result<temporary_directory> temporary_directory::make() {
  auto pattern = (fs::temp_directory_path() / "kith-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    return fail(errc::io, "no_directory", "no temporary directory can be made");
  return temporary_directory(pattern);
}

temporary_directory::~temporary_directory() {
  if (path_.empty()) return;
  std::error_code ec;
  if (fs::remove_all(path_, ec); ec)
    std::fprintf(stderr, "kith: bench: %s stays: %s\n", path_.c_str(), ec.message().c_str());
}

result<node_control> node_control::connect(const std::string& dir, const std::string& node) {
  KITH_ASSIGN(auto c, client::connect(dir + "/nodes/" + node));
  return node_control(std::move(c));
}

result<json> node_control::call(const std::string& verb, const json& arguments) {
  KITH_ASSIGN(auto said, client_.call(verb, arguments.dump(), patience));
  return json::parse(said);
}

result<std::string> node_control::spawn(const std::string& type, const std::string& node) {
  auto arguments = json::object().set("type", type);
  if (!node.empty()) arguments.set("node", node);
  KITH_ASSIGN(auto made, call("spawn", arguments));
  return made["did"].as_string();
}

result<json> node_control::ask(const std::string& agent, const std::string& kind,
                               const json& what) {
  KITH_ASSIGN(auto answer, client_.ask(agent, kind, client_content::json(what.dump()), patience));
  if (!answer.ok()) return fail(errc::internal, "bench_refused", kind + ": " + answer.reason);
  if (answer.content.data.empty()) return json();
  return json::parse(answer.content.data);
}

result<json> node_control::have_done(const std::string& agent, const json& order) {
  KITH_TRY(ask(agent, "go", order));
  const system_clock clock;
  for (const auto end = clock.now() + long_patience; clock.now() < end;) {
    pause(std::chrono::milliseconds(50)); // asking more often would cost what is measured
    KITH_ASSIGN(auto r, ask(agent, "result", json()));
    if (r["done"].as_bool()) return r;
  }
  return fail(errc::timeout, "bench_timeout", "the agents of the bench were not done in time");
}

result<journal_numbers> node_control::journal() {
  KITH_ASSIGN(auto status, call("status", json::object()));
  const auto& j = status["journal"];
  return journal_numbers{j["commits"].as_double(), j["records"].as_double(),
                         j["bytes"].as_double()};
}

result<std::unique_ptr<cluster>> cluster::start(unsigned nodes, setting_variables set) {
  KITH_ASSIGN(auto dir, temporary_directory::make());
  auto c = std::unique_ptr<cluster>(new cluster(std::move(dir)));
  {
    with_variables variables(set);
    KITH_TRY(
        run_process({"--dir", c->dir_.path(), "up", "--nodes", std::to_string(nodes), "--detach"}));
  }
  for (unsigned i = 1; i <= nodes; ++i) {
    KITH_ASSIGN(auto control, node_control::connect(c->dir_.path(), "n" + std::to_string(i)));
    c->controls_.push_back(std::move(control));
  }
  return c;
}

cluster::~cluster() {
  controls_.clear();
  if (auto stopped = run_process({"--dir", dir_.path(), "stop"}); !stopped)
    std::fprintf(stderr, "kith: bench: %s\n", stopped.error().what().c_str());
}

result<std::unique_ptr<restarted_node>> restarted_node::make(setting_variables set) {
  KITH_ASSIGN(auto dir, temporary_directory::make());
  auto n = std::unique_ptr<restarted_node>(new restarted_node(std::move(dir)));
  n->set_ = std::move(set);
  KITH_TRY(run_process({"--dir", n->dir_.path(), "init", "--nodes", "1"}));
  return n;
}

restarted_node::~restarted_node() { kill(); }

result<double> restarted_node::start() {
  const system_clock clock;
  begun_ = clock.now();
  {
    with_variables variables(set_);
    KITH_ASSIGN(auto started, background_process::start(process_spec{
                                  {"--dir", dir_.path(), "run", "--node", "n1", "--json"},
                                  {},
                                  dir_.path() + "/node.log"}));
    process_.emplace(std::move(started));
  }
  for (const auto end = begun_ + long_patience; clock.now() < end;) {
    if (!control_) {
      if (auto c = node_control::connect(dir_.path(), "n1")) control_.emplace(std::move(*c));
    }
    if (control_) {
      KITH_ASSIGN(auto status, control_->call("status", json::object()));
      if (status["state"].as_string() == "ready")
        return std::chrono::duration<double>(clock.now() - begun_).count();
    }
    pause(std::chrono::milliseconds(2));
  }
  return fail(errc::timeout, "bench_timeout", "a node did not get ready");
}

result<void> restarted_node::stop() {
  control_.reset();
  process_->signal(SIGTERM);
  auto ended = process_->finish();
  process_.reset();
  if (!ended) return fail(ended.error());
  return {};
}

void restarted_node::kill() {
  control_.reset();
  if (process_) process_->signal(SIGKILL);
  process_.reset();
}

} // namespace kith::bench
