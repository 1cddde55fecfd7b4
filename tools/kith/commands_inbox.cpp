// `kith inbox`: what waits for a DID outside of any node, and what comes for it.
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/signals.hpp"
#include "tools/kith/text_values.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr duration look_interval = std::chrono::milliseconds(200);
constexpr std::size_t page_max = 1000; // as the verb gives them

// The node that keeps the mailbox.
struct keeper {
  std::string name;
  client connection;
};

result<keeper> find_keeper(const context& c) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  error last;
  for (auto& node : nodes) {
    const auto page = call(node.connection, "inbox", {{"who", c.given.to}, {"limit", 0}});
    if (page) return keeper{node.name, std::move(node.connection)};
    last = page.error();
    if (last.category != errc::not_found) break;
  }
  return fail(std::move(last));
}

// The next page behind `after`, at most `limit`.
result<json::object> next_page(client& from, const std::string& who, std::int64_t after,
                               std::size_t limit) {
  KITH_ASSIGN(
      auto page,
      call(from, "inbox", {{"who", who}, {"after", after}, {"limit", std::min(limit, page_max)}}));
  return object_of(std::move(page));
}

// Takes its position along as it goes.
std::int64_t position_of(const json::value& message) {
  return message.is_object() ? int_at(message.get_object(), "position") : 0;
}

// A line for each message, until Ctrl-C, or until nobody reads them. A node that goes away is
// waited for.
result<int> follow(const context& c, keeper from) {
  KITH_ASSIGN(auto signals, stop_signals::take_over());
  auto after = std::int64_t(c.given.after);
  bool away = false;
  do {
    auto page = next_page(from.connection, c.given.to, after, page_max);
    if (!page) {
      const bool may_come_back =
          page.error().category == errc::unavailable || page.error().category == errc::timeout;
      if (!may_come_back) return fail(page.error());
      if (!std::exchange(away, true))
        c.io.err << "kith: node " << from.name << " is away; waiting for it" << std::endl;
      continue;
    }
    away = false;
    for (const auto& message : array_at(*page, "messages")) {
      c.io.out << (c.given.json ? json_text(message) + "\n"
                                : render_message(object_of(message), c.io.out_is_terminal));
      after = std::max(after, position_of(message));
    }
    c.io.out << std::flush;
  } while (c.io.out && !signals.wait(look_interval));
  return exit_ok;
}

} // namespace

result<int> inbox_command(const context& c) {
  KITH_ASSIGN(auto from, find_keeper(c));
  if (c.given.follow) return follow(c, std::move(from));
  json::array messages;
  json::object page;
  auto after = std::int64_t(c.given.after);
  do {
    KITH_ASSIGN(page,
                next_page(from.connection, c.given.to, after, c.given.lines - messages.size()));
    const auto& more = array_at(page, "messages");
    if (more.empty()) break;
    for (const auto& message : more) messages.push_back(message);
    after = position_of(messages.back());
  } while (messages.size() < c.given.lines);
  std::string text;
  for (const auto& message : messages)
    text += render_message(object_of(message), c.io.out_is_terminal);
  const auto newest = int_at(page, "newest");
  const auto behind = messages.empty() ? std::int64_t(c.given.after) : after;
  if (messages.empty())
    text = "Nothing waits.";
  else if (newest > behind)
    text += std::to_string(newest - behind) + " more; --lines shows them.\n";
  return c.print(json::object{{"did", text_at(page, "did")},
                              {"node", from.name},
                              {"messages", messages},
                              {"newest", newest},
                              {"acked", int_at(page, "acked")}},
                 text);
}

} // namespace kith::cli
