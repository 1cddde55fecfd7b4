// How answers of nodes look to a person. Pure: values in, text out. What came from elsewhere
// (names, reasons) is made harmless for a terminal first.
#pragma once

#include "tools/kith/json_fwd.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kith::cli {

enum class tint : unsigned char { none, good, warn, bad, faint, strong };
// `text` in a colour of the terminal, or as it is.
std::string tinted(std::string_view text, tint t, bool colour);
// Good for ready, up, alive, handled ..., bad for stopped, dead, refused ..., by what Kith calls
// its states.
tint tint_of_state(std::string_view state);

// One line, without what would steer a terminal.
std::string harmless(std::string_view text);
// The same for whole payloads: keeps line feeds and tabs.
std::string harmless_payload(std::string_view text);

// Columns, each as wide as its widest cell (in characters), two spaces between; a head in capitals.
// Cells in `state_column` are tinted as states.
std::string table(const std::vector<std::string>& head,
                  const std::vector<std::vector<std::string>>& rows, bool colour,
                  std::size_t state_column = std::size_t(-1));

// Each takes the result that CONTROL.md gives for its verb; members that are missing leave their
// place empty.
std::string render_nodes(const boost::json::array& nodes, std::int64_t now_ms,
                         bool colour); // `status` of each
std::string render_tree(const boost::json::value& root, bool colour);
std::string render_agents(const boost::json::array& agents, bool colour);
// With what waits for each, and what it has on its way.
std::string render_agents_wide(const boost::json::array& agents, bool colour);
std::string render_where(const boost::json::object& where, bool colour);
// One message of `inbox`: a line, and its payload below it.
std::string render_message(const boost::json::object& message, bool terminal);
std::string render_timers(const boost::json::array& timers);
std::string render_dead_letters(const boost::json::array& letters);
std::string render_handlers(const boost::json::array& handlers);
std::string render_handler(const boost::json::object& handler);
std::string render_crashes(const boost::json::array& crashes);
std::string render_dead_letter(const boost::json::object& letter);

} // namespace kith::cli
