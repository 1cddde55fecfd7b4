// The commands. Each does its work, prints its result, and gives the exit code, or the error that
// is to be reported.
#pragma once

#include "tools/kith/cli.hpp"
#include "tools/kith/json_fwd.hpp"
#include "tools/kith/state_dir.hpp"

#include <kith/client.hpp>

namespace kith::dids {
struct resolution;
}

namespace kith::cli {

struct context {
  const options& given;
  const program& what;
  const console& io;
  state_dir dir;

  // Prints the document with --json, else the text.
  int print(const boost::json::value& document, std::string_view text) const;
  // The node named by --node, or the first that answers.
  result<client> connect() const;
  // The same of one node by its name.
  result<client> connect_to(std::string_view node) const;
  // All that run; with --node only that one. Unavailable "node_not_running" if there is none.
  struct running {
    std::string name;
    client connection;
  };
  result<std::vector<running>> connect_to_all() const;
  // The node named by --node, or the only one there is: invalid "which_node".
  result<std::string> one_node() const;
};

// One verb of CONTROL.md, with or without arguments.
result<boost::json::value> call(client& c, std::string_view verb);
result<boost::json::value> call(client& c, std::string_view verb, const boost::json::object& args);
// The same with less patience than request_timeout.
result<boost::json::value> call(client& c, std::string_view verb, const boost::json::object& args,
                                duration timeout);
inline constexpr duration request_timeout = std::chrono::seconds(30);
// The `status` of a node by its name; of one that is away: name and state stopped or unresponsive.
boost::json::object status_of(const context& c, std::string_view node);

result<int> init_command(const context& c);
result<int> up_command(const context& c);
result<int> run_command(const context& c);
result<int> ps_command(const context& c);
result<int> tree_command(const context& c);
result<int> stop_command(const context& c);
result<int> version_command(const context& c);

result<int> did_new_command(const context& c);
result<int> did_show_command(const context& c);
result<int> did_resolve_command(const context& c);
result<int> did_rotate_command(const context& c);
result<int> did_publish_command(const context& c);
result<int> did_withdraw_command(const context& c);
// Why there is no document.
error resolution_failure(const dids::resolution& r);

result<int> doctor_command(const context& c);
result<int> logs_command(const context& c);
result<int> config_show_command(const context& c);
result<int> config_check_command(const context& c);

result<int> backup_command(const context& c);
result<int> backup_ls_command(const context& c);
result<int> backup_verify_command(const context& c);
result<int> restore_command(const context& c);
result<int> verify_command(const context& c);
result<int> fsck_command(const context& c);

result<int> spawn_command(const context& c);
result<int> own_command(const context& c);
result<int> agents_command(const context& c);
result<int> send_command(const context& c);
result<int> ask_command(const context& c);
result<int> where_command(const context& c);
result<int> crashes_command(const context& c);
result<int> handlers_ls_command(const context& c);
result<int> handlers_show_command(const context& c);
result<int> handlers_cancel_command(const context& c);
result<int> dlq_ls_command(const context& c);
result<int> dlq_show_command(const context& c);
result<int> dlq_replay_command(const context& c);
result<int> dlq_purge_command(const context& c);
result<int> inbox_command(const context& c);
result<int> timers_command(const context& c);
result<int> timers_cancel_command(const context& c);
result<int> top_command(const context& c);
result<int> log_level_command(const context& c);
result<int> audit_show_command(const context& c);
result<int> audit_verify_command(const context& c);
result<int> sim_command(const context& c);

} // namespace kith::cli
