// Doctor: what a running node says of itself.
#include "tools/kith/doctor.hpp"
#include "tools/kith/json_members.hpp"

#include <boost/json.hpp>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t depth_max = 64;

void find_given_up(const json::value& v, const std::string& above, std::size_t depth, findings& out,
                   std::size_t& count) {
  if (!v.is_object() || depth > depth_max) return;
  const auto& o = v.get_object();
  const auto path = (above.empty() ? "" : above + "/") + text_at(o, "name");
  if (text_at(o, "state") == "failed") {
    ++count;
    const auto why = text_at(o, "reason");
    out.problem("tree",
                path + " crashed too often and was given up" +
                    (why.empty() ? "." : ": " + why + "."),
                "`kith logs` shows its crashes; once they are mended, start the node again.");
  }
  for (const auto& child : array_at(o, "children"))
    find_given_up(child, path, depth + 1, out, count);
}

void examine_peers(const json::object& status, findings& out) {
  const auto& peers = array_at(status, "peers");
  std::size_t away = 0;
  for (const auto& v : peers) {
    if (!v.is_object() || text_at(v.get_object(), "state") == "up") continue;
    ++away;
    const auto& peer = v.get_object();
    const auto reason = text_at(peer, "reason");
    out.warning("peers",
                "It has no link to " + text_at(peer, "name") + " at " + text_at(peer, "address") +
                    (reason.empty() ? "." : ": " + reason + "."),
                "See that the other node runs, and that the address can be reached from here.");
  }
  if (away == 0)
    out.ok("peers",
           "It has a link to each other node that it knows: " + std::to_string(peers.size()));
}

void examine_health(const json::object& health, const std::string& node, findings& out) {
  if (const auto* unclean = health.if_contains("unclean"); unclean && *unclean == true)
    out.warning("start", "Its last stop was not in order, so it recovered when it started.",
                "Nothing that was acknowledged is lost by that; `kith logs --node " + node +
                    "` shows how it ended.");
  const auto letters = int_at(health, "dead_letters");
  if (letters > 0)
    out.warning("dead letters",
                std::to_string(letters) + (text_at(health, "more") == "true" ? " or more" : "") +
                    " messages could not be handled.",
                "`kith dlq ls` lists them; `kith dlq replay` sends them again.");
  else
    out.ok("dead letters", "There are none.");
  if (const auto lost = int_at(health, "log_lines_lost"); lost > 0)
    out.warning("log", std::to_string(lost) + " lines of the log could not be written.",
                "Make room where the log is.");
}

} // namespace

void examine_running(const context& c, const patient& p, findings& out) {
  auto connection = c.connect_to(p.name);
  if (!connection)
    return out.problem("control socket", connection.error().context, "Start it again.");
  const auto status = call(*connection, "status");
  if (status && status->is_object()) examine_peers(status->get_object(), out);
  const auto health = call(*connection, "health");
  if (health && health->is_object()) examine_health(health->get_object(), p.name, out);
  std::size_t given_up = 0;
  const auto tree = call(*connection, "tree");
  if (tree) find_given_up(*tree, "", 0, out, given_up);
  if (tree && given_up == 0) out.ok("tree", "No part of it was given up.");
}

} // namespace kith::cli
