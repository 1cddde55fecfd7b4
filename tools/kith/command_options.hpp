// The options and arguments of each command; the table that names them is command_specs.cpp.
#pragma once

#include "tools/kith/options.hpp"

namespace CLI {
class App;
}

namespace kith::cli {

void define_init(CLI::App& c, options& o);
void define_libs(CLI::App& c, options& o);
void define_up(CLI::App& c, options& o);
void define_run(CLI::App& c, options& o);
void define_stop(CLI::App& c, options& o);
void define_nothing(CLI::App& c, options& o);
void define_tree(CLI::App& c, options& o);
void define_top(CLI::App& c, options& o);
void define_spawn(CLI::App& c, options& o);
void define_own(CLI::App& c, options& o);
void define_agents(CLI::App& c, options& o);
void define_message(CLI::App& c, options& o);
void define_send(CLI::App& c, options& o);
void define_ask(CLI::App& c, options& o);
void define_where(CLI::App& c, options& o);
void define_dlq_ls(CLI::App& c, options& o);
void define_dlq_show(CLI::App& c, options& o);
void define_handlers_show(CLI::App& c, options& o);
void define_handlers_cancel(CLI::App& c, options& o);
void define_config_check(CLI::App& c, options& o);
void define_logs(CLI::App& c, options& o);
void define_log_level(CLI::App& c, options& o);
void define_audit_show(CLI::App& c, options& o);
void define_audit_verify(CLI::App& c, options& o);
void define_did_new(CLI::App& c, options& o);
void define_did_show(CLI::App& c, options& o);
void define_did_resolve(CLI::App& c, options& o);
void define_did_rotate(CLI::App& c, options& o);
void define_did_publish(CLI::App& c, options& o);
void define_did_withdraw(CLI::App& c, options& o);
void define_dlq_many(CLI::App& c, options& o);
void define_dlq_purge(CLI::App& c, options& o);
void define_inbox(CLI::App& c, options& o);
void define_timers(CLI::App& c, options& o);
void define_timers_cancel(CLI::App& c, options& o);
void define_backup(CLI::App& c, options& o);
void define_backup_ls(CLI::App& c, options& o);
void define_backup_verify(CLI::App& c, options& o);
void define_restore(CLI::App& c, options& o);
void define_sim(CLI::App& c, options& o);

} // namespace kith::cli
