// `kith logs`: what the nodes here have logged, merged by time.
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/log_tail.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/signals.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr duration look_interval = std::chrono::milliseconds(100);

// node.log, and what log.file says if that is another file. Settings that cannot be read say
// nothing here: `kith config check` does.
std::vector<log_tail> tails_of(const context& c, const std::string& node) {
  std::vector<log_tail> out;
  out.emplace_back(node, c.dir.log_file(node));
  if (const auto all = load_settings(c.dir.node_dir(node), c.io.settings, {})) {
    const std::filesystem::path file = all->text("log.file");
    if (!file.empty() && file != out.front().file()) out.emplace_back(node, file);
  }
  return out;
}

class log_printer {
public:
  log_printer(const context& c, const std::vector<std::string>& nodes) : c_(c) {
    if (nodes.size() > 1)
      for (const auto& n : nodes) width_ = std::max(width_, n.size());
  }
  std::string text(const log_line& line) const {
    std::string out;
    if (width_ > 0) {
      auto name = line.node;
      name.resize(width_, ' ');
      out = tinted(name, tint::faint, c_.io.colour) + "  ";
    }
    const auto shown = c_.io.out_is_terminal ? harmless_payload(line.text) : line.text;
    const auto t = line.level == 4 ? tint::bad : line.level == 3 ? tint::warn : tint::none;
    return out + tinted(shown, t, c_.io.colour) + "\n";
  }
  // One document a line, or the text; at once.
  void print(const std::vector<log_line>& lines) const {
    for (const auto& line : lines)
      if (c_.given.json)
        c_.io.out << json_text(log_document(line)) << "\n";
      else
        c_.io.out << text(line);
    if (!lines.empty()) c_.io.out << std::flush;
  }

private:
  const context& c_;
  std::size_t width_ = 0; // of the nodes' names; 0: there is only one
};

// Until Ctrl-C, or until nobody reads what is printed.
result<int> follow(const context& c, const log_printer& printer, std::vector<log_tail>& tails,
                   const log_filter& filter) {
  KITH_ASSIGN(auto signals, stop_signals::take_over());
  while (c.io.out && !signals.wait(look_interval)) {
    std::vector<log_line> lines;
    for (auto& tail : tails)
      for (auto& line : tail.fresh(filter)) lines.push_back(std::move(line));
    sort_by_time(lines);
    printer.print(lines);
  }
  return exit_ok;
}

} // namespace

result<int> logs_command(const context& c) {
  KITH_TRY(c.dir.require());
  auto nodes = c.dir.node_names();
  if (!c.given.node.empty()) {
    KITH_ASSIGN(auto name, c.dir.find_node(c.given.node));
    nodes = {std::move(name)};
  }
  log_filter filter;
  const auto level = std::find(std::begin(log_levels), std::end(log_levels), c.given.level);
  if (level != std::end(log_levels)) filter.level_min = int(level - std::begin(log_levels));
  filter.contains = c.given.grep;
  std::vector<log_tail> tails;
  for (const auto& n : nodes)
    for (auto& tail : tails_of(c, n)) tails.push_back(std::move(tail));
  std::error_code ec;
  const bool any = std::any_of(tails.begin(), tails.end(), [&](const log_tail& t) {
    return std::filesystem::exists(t.file(), ec);
  });
  if (!any && !c.given.follow)
    return fail(errc::not_found, "no_log",
                "nothing has been logged in " + c.dir.path().string() +
                    "; nodes of `kith up` log to files, one of `kith run` to its terminal");
  std::vector<log_line> lines;
  for (auto& tail : tails)
    for (auto& line : tail.last(c.given.lines, filter, c.given.follow))
      lines.push_back(std::move(line));
  sort_by_time(lines);
  if (lines.size() > c.given.lines)
    lines.erase(lines.begin(), lines.end() - std::ptrdiff_t(c.given.lines));
  const log_printer printer(c, nodes);
  if (c.given.follow) {
    printer.print(lines);
    return follow(c, printer, tails, filter);
  }
  json::array documents;
  std::string text;
  for (const auto& line : lines) {
    if (c.given.json)
      documents.push_back(log_document(line));
    else
      text += printer.text(line);
  }
  return c.print(documents, text);
}

} // namespace kith::cli
