// kith::main: settings from file, environment and flags, and the node that `run` starts with them.
#include "tools/kith/program/program.hpp"
#include "actors/agent/registry.hpp"
#include "actors/node/node.hpp"
#include "tools/kith/exit_code.hpp"

#include <exception>
#include <ostream>
#include <unistd.h>

namespace kith {
namespace {

namespace fs = std::filesystem;

class real_node final : public cli::running_node {
public:
  explicit real_node(std::unique_ptr<node> inner) : inner_(std::move(inner)) {}
  std::string id() const override { return inner_->id().text(); }
  std::string name() const override { return inner_->name(); }
  std::string link_address() const override { return inner_->link_address(); }
  void begin_stop() override { inner_->begin_stop(); }
  bool wait_stopped(duration patience) override { return inner_->wait_stopped(patience); }

private:
  std::unique_ptr<node> inner_;
};

// "link.listen=127.0.0.1:0".
result<std::vector<config::named_text>> flags_of(const std::vector<std::string>& set) {
  std::vector<config::named_text> flags;
  for (const auto& one : set) {
    const auto equals = one.find('=');
    if (equals == one.npos || equals == 0)
      return fail(errc::invalid, "usage", "--set takes key=value, and not '" + one + "'");
    flags.emplace_back(one.substr(0, equals), one.substr(equals + 1));
  }
  return flags;
}

// Paths in a node's settings are relative to its own directory.
result<config::settings> settings_of(const cli::node_start& start) {
  config::sources from;
  from.file = start.dir / "kith.toml";
  from.environment = config::read_environment(environ);
  std::erase_if(from.environment, [](const auto& v) { return v.first == "KITH_DIR"; }); // ours
  KITH_ASSIGN(from.flags, flags_of(start.set));
  KITH_ASSIGN(auto all, config::settings::load(from));
  const fs::path secret = all.text("cluster.secret_file");
  if (!secret.empty() && secret.is_relative())
    KITH_TRY(all.apply_flags({{"cluster.secret_file", (start.dir / secret).string()}}));
  return all;
}

result<std::unique_ptr<cli::running_node>> start_node(cli::node_start start) {
  KITH_TRY(agent_types::check());
  KITH_ASSIGN(auto settings, settings_of(start));
  KITH_ASSIGN(auto started,
              node::start({std::move(settings), start.dir, std::move(start.on_fatal)}));
  return std::make_unique<real_node>(std::move(started));
}

} // namespace

int main_with(int argc, char** argv, std::vector<cli::command> commands) {
  const auto io = cli::system_console();
  try {
    const cli::program what{.version = KITH_VERSION,
                            .start_node = start_node,
                            .commands = std::move(commands),
                            .exit_now = [](int code) { ::_exit(code); }};
    return cli::run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), what, io);
  } catch (const std::exception& e) { // out of memory, or a defect: nothing expected is thrown
    return cli::report(io, false, {errc::internal, "exception", e.what()});
  }
}

int main(int argc, char** argv) { return main_with(argc, argv, {}); }

} // namespace kith
