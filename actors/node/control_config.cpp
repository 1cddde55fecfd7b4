// The verb `config`: the settings that this node runs with, which only it knows all of, since flags
// are part of them.
#include "actors/node/control_server.hpp"

#include <boost/json.hpp>

namespace kith::control {

void config(node_parts& parts, const boost::json::object&, control_server::reply reply) {
  boost::json::array out;
  for (const auto& e : parts.options.settings.dump())
    out.push_back({{"key", e.name}, {"toml", e.value}, {"from", e.origin}, {"about", e.doc}});
  reply(std::move(out));
}

} // namespace kith::control
