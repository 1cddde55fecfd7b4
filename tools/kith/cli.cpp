// From arguments to an exit code.
#include "tools/kith/cli.hpp"
#include "tools/kith/command_line.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"

#include <algorithm>
#include <ostream>

namespace kith::cli {
namespace {

struct entry {
  std::string_view name;
  result<int> (*run)(const context&);
};
constexpr entry entries[] = {
    {"init", init_command},
    {"up", up_command},
    {"run", run_command},
    {"ps", ps_command},
    {"tree", tree_command},
    {"stop", stop_command},
    {"version", version_command},
    {"backup", backup_command},
    {"backup ls", backup_ls_command},
    {"backup verify", backup_verify_command},
    {"restore", restore_command},
    {"verify", verify_command},
    {"fsck", fsck_command},
    {"spawn", spawn_command},
    {"own", own_command},
    {"agents", agents_command},
    {"send", send_command},
    {"ask", ask_command},
    {"where", where_command},
    {"doctor", doctor_command},
    {"logs", logs_command},
    {"config show", config_show_command},
    {"config check", config_check_command},
    {"did new", did_new_command},
    {"did show", did_show_command},
    {"did resolve", did_resolve_command},
    {"did rotate", did_rotate_command},
    {"did publish", did_publish_command},
    {"did withdraw", did_withdraw_command},
    {"crashes", crashes_command},
    {"handlers ls", handlers_ls_command},
    {"handlers show", handlers_show_command},
    {"handlers cancel", handlers_cancel_command},
    {"dlq ls", dlq_ls_command},
    {"dlq show", dlq_show_command},
    {"dlq replay", dlq_replay_command},
    {"dlq purge", dlq_purge_command},
    {"inbox", inbox_command},
    {"timers", timers_command},
    {"top", top_command},
    {"log-level", log_level_command},
    {"audit show", audit_show_command},
    {"audit verify", audit_verify_command},
    {"timers cancel", timers_cancel_command},
    {"sim", sim_command},
};

} // namespace

result<int> sim_command(const context& c) {
  if (!c.what.simulate)
    return fail(errc::unsupported, "no_simulator", "this program has no simulator in it");
  return c.what.simulate(c.io, c.given);
}

int run(const std::vector<std::string>& arguments, const program& what, const console& io) {
  const auto taken_apart = parse_command_line(arguments, what, io);
  if (!taken_apart) {
    const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
    return report(io, json, taken_apart.error());
  }
  if (const auto* answered = std::get_if<already_answered>(&*taken_apart)) {
    io.out << answered->out << std::flush;
    return exit_ok;
  }
  const auto& given = std::get<options>(*taken_apart);
  for (const auto& extra : what.commands)
    if (extra.name == given.command) return extra.run(io, given);
  const context c{given, what, io, state_dir(given.dir)};
  for (const auto& e : entries) {
    if (e.name != given.command) continue;
    const auto code = e.run(c);
    return code ? *code : report(io, given.json, code.error());
  }
  return report(io, given.json,
                {errc::internal, "no_such_command", given.command + " is not wired up"});
}

} // namespace kith::cli
