// `kith log-level`: what the nodes here log, while they run.
#include "tools/kith/commands.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/text_values.hpp"

#include <boost/json.hpp>

namespace kith::cli {

namespace json = boost::json;

result<int> log_level_command(const context& c) {
  json::object args;
  const auto& words = c.given.words;
  if (!words.empty()) args["level"] = words.back();
  if (words.size() > 1) args["logger"] = words.front();
  if (!c.given.for_.empty()) {
    if (words.empty()) return fail(errc::invalid, "usage", "--for goes with a level");
    KITH_ASSIGN(const auto span, parse_duration(c.given.for_));
    args["for_ms"] = std::chrono::ceil<std::chrono::milliseconds>(span).count();
  }
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  json::array all;
  std::vector<std::vector<std::string>> rows;
  for (auto& node : nodes) {
    KITH_ASSIGN(auto said, call(node.connection, "log_level", args));
    const auto levels = object_of(std::move(said));
    for (const auto& v : array_at(levels, "levels")) {
      if (!v.is_object()) continue;
      auto one = v.get_object();
      one["node"] = node.name;
      rows.push_back(
          {node.name, harmless(text_at(one, "logger")), harmless(text_at(one, "level"))});
      all.push_back(std::move(one));
    }
  }
  return c.print(all, table({"NODE", "LOGGER", "LEVEL"}, rows, c.io.colour));
}

} // namespace kith::cli
