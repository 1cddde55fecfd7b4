// What `kith top` shows: rates from two readings of each node. Pure: answers of nodes in, one
// document out, and that as text.
#pragma once

#include "tools/kith/json_fwd.hpp"

#include <map>
#include <string>

namespace kith::cli {

// What one node said, as JSON: its `status` and its `metrics`. The second is empty if it did not
// answer.
struct node_reading {
  std::string status;
  std::string metrics;
};
using node_readings = std::map<std::string, node_reading>; // by name

// {at_ms, nodes:[...], agents:[...], links:[...]}; agents and links sorted by what they do, the
// agents at most `agents_max`. A node that is missing in one of the two has no rates.
boost::json::object top_document(const node_readings& before, const node_readings& now,
                                 std::size_t agents_max);

// At most `rows` lines: of the agents as many as have room; 0: all of it.
std::string render_top(const boost::json::object& top, bool colour, std::size_t rows = 0);

} // namespace kith::cli
