// kith::main: the node that `run` starts, with settings from file, environment and flags.
#include "tools/kith/program/program.hpp"
#include "actors/agent/registry.hpp"
#include "actors/node/node.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/program/libraries.hpp"
#include "tools/kith/program/sim.hpp"

#include <exception>
#include <ostream>
#include <unistd.h>

namespace kith {
namespace {

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

result<std::unique_ptr<cli::running_node>> start_node(cli::node_start start) {
  for (const auto& path : start.libs) KITH_TRY(load_library(path));
  KITH_TRY(agent_types::check());
  KITH_ASSIGN(auto settings,
              cli::load_settings(start.dir, cli::settings_variables(environ), start.set));
  KITH_ASSIGN(auto started, node::start({std::move(settings), start.dir, std::move(start.on_fatal),
                                         std::move(start.passphrase)}));
  return std::make_unique<real_node>(std::move(started));
}

} // namespace

int main_with(int argc, char** argv, std::vector<cli::command> commands) {
  const auto io = cli::system_console();
  try {
    const cli::program what{.version = KITH_VERSION,
                            .start_node = start_node,
                            .simulate = simulate,
                            .commands = std::move(commands),
                            .exit_now = [](int code) { ::_exit(code); }};
    return cli::run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), what, io);
  } catch (const std::exception& e) { // out of memory, or a defect: nothing expected is thrown
    return cli::report(io, false, {errc::internal, "exception", e.what()});
  }
}

int main(int argc, char** argv) { return main_with(argc, argv, {}); }

} // namespace kith
