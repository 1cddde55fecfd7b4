// The rows about the edge.
#include "tools/bench/edge.hpp"
#include "tools/bench/table.hpp"

namespace kith::bench {

result<void> measure_edge(measurement& m) {
  if (!m.wants_any({"edge_resolve", "edge_post", "edge_follower"})) return {};
  const auto seconds = m.size(1.0, 0.05);
  const auto posts = m.size<std::size_t>(10'000, 100), followers = m.size<std::size_t>(1'000, 32);
  KITH_ASSIGN(auto node, edge_node::start());
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("edge", i);
    if (m.wants("edge_resolve")) {
      KITH_ASSIGN(auto resolved, node->resolve(seconds));
      m.add("edge_resolve", resolved.value, resolved.baseline);
    }
    if (m.wants("edge_post")) {
      KITH_ASSIGN(auto posted, node->post(posts));
      m.add("edge_post", posted.value, posted.baseline);
    }
  }
  if (m.wants("edge_follower")) {
    KITH_ASSIGN(auto size, node->follower_size(followers));
    m.add("edge_follower", size / 1024);
  }
  return {};
}

} // namespace kith::bench
