// The commands that talk to agents.
#include "runtime/base/base64.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/text_values.hpp"

#include <boost/json.hpp>
#include <istream>
#include <ostream>
#include <set>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr duration ask_timeout_default = std::chrono::seconds(30);

// All of stdin, as far as it may be sent at all.
result<std::string> read_input(std::istream& in) {
  std::string text(client_content::size_max + 1, '\0');
  in.read(text.data(), std::streamsize(text.size()));
  text.resize(std::size_t(in.gcount()));
  if (text.size() > client_content::size_max)
    return fail(errc::too_large, "payload_too_large",
                "stdin has more than " + std::to_string(client_content::size_max) + " bytes");
  return text;
}

result<client_content> content_of(const context& c) {
  const bool is_json = !c.given.json_payload.empty();
  auto text = is_json ? c.given.json_payload : c.given.text;
  if (text == "-") {
    KITH_ASSIGN(text, read_input(c.io.in));
  }
  return is_json ? client_content::json(text) : client_content(std::move(text));
}

result<uuid> id_of(const context& c) {
  if (c.given.id.empty()) return uuid{};
  auto id = uuid::parse(c.given.id);
  if (!id) return fail(errc::invalid, "bad_uuid", "'" + c.given.id + "' is no UUID");
  return id;
}

// The answer's content, as a member of the document that --json prints.
void put_content(json::object& document, const client_content& content) {
  document["content_type"] = content.content_type;
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 64; // as the client's own bound
  if (content.content_type == "application/json") {
    auto value = json::parse(content.data, ec, {}, options);
    if (!ec) document["json"] = std::move(value);
  } else if (content.content_type == "text/plain") {
    document["text"] = content.data;
  } else {
    document["base64"] = to_base64(as_bytes(content.data));
  }
}

// What a person sees: as it came when it goes to a file, harmless on a terminal.
std::string shown(const context& c, const std::string& text) {
  return c.io.out_is_terminal ? harmless_payload(text) : text;
}

} // namespace

result<int> spawn_command(const context& c) {
  json::object args{{"type", c.given.type}};
  if (!c.given.name.empty()) args["name"] = c.given.name;
  if (!c.given.on_node.empty()) args["node"] = c.given.on_node;
  if (!c.given.owner.empty()) args["owner"] = c.given.owner;
  if (!c.given.under.empty()) args["under"] = c.given.under;
  if (!c.given.restart.empty()) args["restart"] = c.given.restart;
  KITH_ASSIGN(auto connection, c.connect());
  KITH_ASSIGN(auto answer, call(connection, "spawn", args));
  const auto result = object_of(std::move(answer));
  return c.print(result, harmless(text_at(result, "did")));
}

result<int> own_command(const context& c) {
  if (c.given.owner.empty() != c.given.nobody)
    return fail(errc::invalid, "usage", "say whose the agent is to be: a DID, or --nobody");
  json::object args{{"agent", c.given.agent}};
  if (!c.given.nobody) args["owner"] = c.given.owner;
  KITH_ASSIGN(auto connection, c.connect());
  KITH_ASSIGN(auto answer, call(connection, "own", args));
  const auto result = object_of(std::move(answer));
  return c.print(result, harmless(text_at(result, "did")));
}

namespace {

// Of every node here, each asked for its own, because only the home knows what waits; with --all
// those of other machines too.
result<json::array> agents_of_all(const context& c) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  json::array found;
  std::set<std::string> seen;
  for (const bool elsewhere : {false, true}) {
    if (elsewhere && !c.given.all) break;
    for (auto& node : nodes) {
      KITH_ASSIGN(auto answer, call(node.connection, "agents", {{"all", elsewhere}}));
      for (auto& v : array_of(std::move(answer)))
        if (v.is_object() && seen.insert(text_at(v.get_object(), "did")).second)
          found.push_back(std::move(v));
    }
  }
  return found;
}

} // namespace

result<int> agents_command(const context& c) {
  if (c.given.wide) {
    KITH_ASSIGN(const auto all, agents_of_all(c));
    if (all.empty()) return c.print(all, "There are no agents yet; `kith spawn` makes one.");
    return c.print(all, render_agents_wide(all, c.io.colour));
  }
  KITH_ASSIGN(auto connection, c.connect());
  KITH_ASSIGN(auto answer, call(connection, "agents", {{"all", c.given.all}}));
  const auto agents = array_of(std::move(answer));
  if (agents.empty()) return c.print(agents, "There are no agents yet; `kith spawn` makes one.");
  return c.print(agents, render_agents(agents, c.io.colour));
}

result<int> send_command(const context& c) {
  client_send_options how;
  how.qos = c.given.volatile_ ? qos::at_most_once : qos(c.given.qos);
  KITH_ASSIGN(how.id, id_of(c));
  if (!c.given.ttl.empty()) {
    KITH_ASSIGN(const auto ttl, parse_duration(c.given.ttl));
    how.time_to_live_ms = std::uint64_t(std::chrono::ceil<std::chrono::milliseconds>(ttl).count());
  }
  KITH_ASSIGN(const auto content, content_of(c));
  KITH_ASSIGN(auto connection, c.connect());
  KITH_ASSIGN(const auto sent, connection.send(c.given.to, c.given.kind, content, how));
  return c.print(json::object{{"id", sent.id.text()}, {"duplicate", sent.duplicate}},
                 sent.id.text());
}

result<int> ask_command(const context& c) {
  auto timeout = ask_timeout_default;
  if (!c.given.timeout.empty()) {
    KITH_ASSIGN(timeout, parse_duration(c.given.timeout));
  }
  KITH_ASSIGN(const auto id, id_of(c));
  KITH_ASSIGN(const auto content, content_of(c));
  KITH_ASSIGN(auto connection, c.connect());
  KITH_ASSIGN(const auto answer, connection.ask(c.given.to, c.given.kind, content, timeout, id));
  json::object document{{"status", answer.status}, {"id", answer.id.text()}};
  if (answer.ok()) {
    put_content(document, answer.content);
    c.print(document, shown(c, answer.content.data));
    return exit_ok;
  }
  document["reason"] = answer.reason;
  if (c.given.json) c.print(document, "");
  const auto why = answer.reason.empty() ? "" : ": " + harmless(answer.reason);
  c.io.err << "kith: " << harmless(c.given.to) << " gave no answer: " << harmless(answer.status)
           << why << ". `kith where " << answer.id.text() << "` says more." << std::endl;
  return exit_code_of_answer(answer.status);
}

result<int> where_command(const context& c) {
  if (!uuid::parse(c.given.id))
    return fail(errc::invalid, "bad_uuid", "'" + c.given.id + "' is no UUID");
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  json::object answer;
  for (auto& node : nodes) { // the first of them that has seen it
    KITH_ASSIGN(auto value, call(node.connection, "where", {{"id", c.given.id}}));
    answer = object_of(std::move(value));
    if (text_at(answer, "state") != "unknown") break;
  }
  c.print(answer, render_where(answer, c.io.colour));
  return text_at(answer, "state") == "unknown" ? exit_not_found : exit_ok;
}

} // namespace kith::cli
