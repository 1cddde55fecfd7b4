// `kith handlers`: what waits for what, on all nodes here.
#include "runtime/base/ids.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/render.hpp"

#include <boost/json.hpp>

namespace kith::cli {
namespace {

namespace json = boost::json;

result<json::array> handlers_of(const context& c, const json::object& args) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  json::array all;
  for (auto& node : nodes) {
    KITH_ASSIGN(auto value, call(node.connection, "handlers", args));
    for (auto& one : array_of(std::move(value))) {
      if (!one.is_object()) continue;
      one.get_object()["node"] = node.name;
      all.push_back(std::move(one));
    }
  }
  return all;
}

result<void> check_id(const context& c) {
  if (uuid::parse(c.given.id)) return {};
  return fail(errc::invalid, "bad_uuid", "'" + c.given.id + "' is no UUID");
}

} // namespace

result<int> handlers_ls_command(const context& c) {
  json::object args;
  if (!c.given.agent.empty()) args["agent"] = c.given.agent;
  KITH_ASSIGN(const auto all, handlers_of(c, args));
  return c.print(all, all.empty() ? "No handler waits." : render_handlers(all));
}

result<int> handlers_show_command(const context& c) {
  KITH_TRY(check_id(c));
  KITH_ASSIGN(const auto all, handlers_of(c, {{"id", c.given.id}}));
  if (all.empty())
    return fail(errc::not_found, "unknown_handler",
                "no handler that waits began with message " + c.given.id +
                    "; `kith where` says what became of it");
  return c.print(all.front(), render_handler(all.front().get_object()));
}

result<int> handlers_cancel_command(const context& c) {
  KITH_TRY(check_id(c));
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  json::object args{{"id", c.given.id}};
  if (!c.given.reason.empty()) args["reason"] = c.given.reason;
  for (std::size_t i = 0;; ++i) { // the first of them that has it; the last one's error, if none
    auto value = call(nodes[i].connection, "handler_cancel", args);
    if (value) {
      auto done = object_of(std::move(*value));
      done["node"] = nodes[i].name;
      return c.print(done, "Cancelled; what it does about that, it does now.");
    }
    if (value.error().category != errc::not_found || i + 1 == nodes.size())
      return fail(value.error());
  }
}

} // namespace kith::cli
