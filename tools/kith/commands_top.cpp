// `kith top`: what the nodes here do, from two looks at each.
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/live_screen.hpp"
#include "tools/kith/signals.hpp"
#include "tools/kith/text_values.hpp"
#include "tools/kith/top.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>
#include <poll.h>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr duration interval_min = std::chrono::milliseconds(100);
constexpr duration metrics_timeout = std::chrono::seconds(2); // one that hangs holds up no other
constexpr std::size_t agents_looked_at = 1000;
constexpr std::size_t head_rows = 2; // of the screen

result<std::vector<std::string>> names_of(const context& c) {
  KITH_TRY(c.dir.require());
  if (c.given.node.empty()) return c.dir.node_names();
  KITH_ASSIGN(auto name, c.dir.find_node(c.given.node));
  return std::vector<std::string>{std::move(name)};
}

node_readings read_all(const context& c, const std::vector<std::string>& names, bool& some_run) {
  const auto args = json_text(json::object{{"agents", agents_looked_at}});
  node_readings out;
  for (const auto& name : names) {
    auto& n = out[name];
    const auto status = status_of(c, name);
    n.status = json_text(status);
    if (!status.contains("pid")) continue;
    some_run = true;
    auto connection = c.connect_to(name);
    if (!connection) continue;
    // Refused by a node of an older build: it is shown by what its status says.
    const auto text = connection->call("metrics", args, metrics_timeout);
    if (text) n.metrics = *text;
  }
  return out;
}

// The first look: unavailable "node_not_running" if there is nothing to look at.
result<node_readings> first_look(const context& c, const std::vector<std::string>& names) {
  bool some_run = false;
  auto all = read_all(c, names, some_run);
  if (some_run) return all;
  return fail(errc::unavailable, "node_not_running",
              "no node is running in " + c.dir.path().string());
}

node_readings look(const context& c, const std::vector<std::string>& names) {
  bool some_run = false; // and if none does any more, that is shown
  return read_all(c, names, some_run);
}

result<int> once(const context& c, const std::vector<std::string>& names, duration interval) {
  KITH_ASSIGN(const auto before, first_look(c, names));
  ::poll(nullptr, 0, int(std::chrono::ceil<std::chrono::milliseconds>(interval).count()));
  const auto top = top_document(before, look(c, names), c.given.lines);
  return c.print(top, render_top(top, c.io.colour));
}

result<int> as_lines(const context& c, const std::vector<std::string>& names, duration interval) {
  KITH_ASSIGN(auto signals, stop_signals::take_over());
  KITH_ASSIGN(auto before, first_look(c, names));
  while (c.io.out && !signals.wait(interval)) {
    auto now = look(c, names);
    const auto top = top_document(before, now, c.given.lines);
    c.io.out << (c.given.json ? json_text(top) : render_top(top, c.io.colour)) << std::endl;
    before = std::move(now);
  }
  return exit_ok;
}

result<int> on_screen(const context& c, const std::vector<std::string>& names, duration interval) {
  KITH_ASSIGN(auto signals, stop_signals::take_over());
  KITH_ASSIGN(auto before, first_look(c, names));
  KITH_ASSIGN(auto screen, live_screen::open(c.io.out));
  auto shown = top_document({}, before, c.given.lines);
  do {
    const auto head = utc_time(int_at(shown, "at_ms")) + "   every " +
                      (c.given.interval.empty() ? "1s" : c.given.interval) + "   q quits\n\n";
    screen.draw(head +
                render_top(shown, c.io.colour, std::max(screen.rows(), head_rows) - head_rows));
    if (screen.wait(interval, signals)) break;
    auto now = look(c, names);
    shown = top_document(before, now, c.given.lines);
    before = std::move(now);
  } while (c.io.out);
  return exit_ok;
}

} // namespace

result<int> top_command(const context& c) {
  duration interval = std::chrono::seconds(1);
  if (!c.given.interval.empty()) {
    KITH_ASSIGN(interval, parse_duration(c.given.interval));
    if (interval < interval_min || interval > std::chrono::hours(1))
      return fail(errc::invalid, "usage", "--interval is from 100ms to 60m");
  }
  KITH_ASSIGN(const auto names, names_of(c));
  const bool live = c.io.out_is_terminal && !c.given.json;
  if (c.given.once || (!c.given.watch && !live)) return once(c, names, interval);
  if (!live) return as_lines(c, names, interval); // where nobody can type q
  return on_screen(c, names, interval);
}

} // namespace kith::cli
