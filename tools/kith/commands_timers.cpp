// `kith timers`: what an agent has set for later. The node that the agent lives on has them: each
// that runs here is asked.
#include "tools/kith/commands.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/render.hpp"

#include <boost/json.hpp>

namespace kith::cli {
namespace {

namespace json = boost::json;

// What the agent's node says.
result<json::object> ask_its_node(const context& c, std::string_view verb,
                                  const json::object& args) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  error last;
  for (auto& node : nodes) {
    auto value = call(node.connection, verb, args);
    if (value) {
      auto said = object_of(std::move(*value));
      said["node"] = node.name;
      return said;
    }
    last = value.error();
    if (last.code != "not_here" && last.code != "unknown_agent") break;
  }
  return fail(std::move(last));
}

} // namespace

result<int> timers_command(const context& c) {
  if (c.given.to.empty())
    return fail(errc::invalid, "usage", "say whose timers; see `kith timers --help`");
  KITH_ASSIGN(const auto said, ask_its_node(c, "timers", {{"agent", c.given.to}}));
  return c.print(said, render_timers(array_at(said, "timers")));
}

result<int> timers_cancel_command(const context& c) {
  if (!c.given.to.empty())
    return fail(errc::invalid, "usage", "one timer at a time; see `kith timers cancel --help`");
  KITH_ASSIGN(const auto said,
              ask_its_node(c, "timer_cancel", {{"agent", c.given.agent}, {"id", c.given.id}}));
  return c.print(said, "cancelled");
}

} // namespace kith::cli
