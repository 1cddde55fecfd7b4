// Finding nodes and talking to them: what all commands begin with.
#include "runtime/base/clock.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/json_members.hpp"

#include <boost/json.hpp>
#include <ostream>

namespace kith::cli {
namespace {

// Quick, so that a node that hangs does not hold up what is asked of the others.
constexpr duration status_timeout = std::chrono::seconds(2);

client_options quick() {
  client_options o;
  o.connect_timeout = status_timeout;
  return o;
}

} // namespace

int context::print(const boost::json::value& document, std::string_view text) const {
  if (given.json) {
    io.out << json_text(document) << std::endl;
  } else {
    io.out << text;
    if (!text.empty() && text.back() != '\n') io.out << '\n';
    io.out << std::flush;
  }
  return 0;
}

result<client> context::connect_to(std::string_view node) const {
  KITH_ASSIGN(const auto name, dir.find_node(node));
  auto c = client::connect(dir.node_dir(name).string());
  if (!c && c.error().code == "node_not_running")
    return fail(errc::unavailable, "node_not_running", "node " + name + " is not running");
  return c;
}

result<client> context::connect() const {
  if (!given.node.empty()) return connect_to(given.node);
  KITH_TRY(dir.require());
  return client::connect(dir.path().string());
}

result<std::string> context::one_node() const {
  if (!given.node.empty()) return dir.find_node(given.node);
  KITH_TRY(dir.require());
  const auto names = dir.node_names();
  if (names.size() == 1) return names.front();
  return fail(errc::invalid, "which_node",
              dir.path().string() + " has " + std::to_string(names.size()) +
                  " nodes: say which one with --node");
}

result<std::vector<context::running>> context::connect_to_all() const {
  std::vector<running> found;
  if (!given.node.empty()) {
    KITH_ASSIGN(auto one, connect_to(given.node));
    found.push_back({given.node, std::move(one)});
    return found;
  }
  KITH_TRY(dir.require());
  for (const auto& name : dir.node_names())
    if (auto c = client::connect(dir.node_dir(name).string(), quick()))
      found.push_back({name, std::move(*c)});
    else if (c.error().category != errc::unavailable)
      return fail(c.error());
  if (found.empty())
    return fail(errc::unavailable, "node_not_running",
                "no node is running in " + dir.path().string());
  return found;
}

result<boost::json::value> call(client& c, std::string_view verb) {
  return call(c, verb, boost::json::object{}, request_timeout);
}

result<boost::json::value> call(client& c, std::string_view verb, const boost::json::object& args) {
  return call(c, verb, args, request_timeout);
}

result<boost::json::value> call(client& c, std::string_view verb, const boost::json::object& args,
                                duration timeout) {
  KITH_ASSIGN(const auto text, c.call(verb, json_text(args), timeout));
  boost::json::parse_options options;
  options.max_depth = 64; // as the client's own bound
  boost::system::error_code ec;
  auto value = boost::json::parse(text, ec, {}, options);
  if (ec)
    return fail(errc::malformed, "bad_answer", "the node's answer is not JSON: " + ec.message());
  return value;
}

boost::json::object status_of(const context& c, std::string_view node) {
  boost::json::object away{{"name", node}, {"state", "stopped"}};
  auto connection = client::connect(c.dir.node_dir(node).string(), quick());
  if (!connection) {
    if (connection.error().category != errc::unavailable) away["state"] = "unresponsive";
    return away;
  }
  auto status = call(*connection, "status", {}, status_timeout);
  if (!status || !status->is_object()) {
    away["state"] = "unresponsive";
    return away;
  }
  return std::move(status->get_object());
}

} // namespace kith::cli
