// Tables and trees.
#include "tools/kith/render.hpp"
#include "runtime/stream/text.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/text_values.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t cell_size_max = 400;         // bytes; longer cells are cut
constexpr std::size_t tree_depth_max = 64;         // levels; deeper ones are not shown
constexpr std::size_t payload_size_max = 17 << 20; // bytes; no payload is larger

// Characters, near enough to columns: UTF-8's continuation bytes do not count.
std::size_t width_of(std::string_view s) {
  return std::size_t(std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string dash_if_empty(std::string s) { return s.empty() ? "-" : s; }

std::string joined(const json::array& list) {
  std::string out;
  for (const auto& item : list) {
    if (!item.is_string()) continue;
    if (!out.empty()) out += ", ";
    out += std::string_view(item.get_string().data(), item.get_string().size());
  }
  return out;
}

// "2/3": of the other nodes that this one knows, how many it has a link to.
std::string peers_of(const json::object& status) {
  const auto& peers = array_at(status, "peers");
  const auto up = std::count_if(peers.begin(), peers.end(), [](const json::value& p) {
    return p.is_object() && text_at(p.get_object(), "state") == "up";
  });
  return std::to_string(up) + "/" + std::to_string(peers.size());
}

void render_branch(const json::value& v, const std::string& indent, std::size_t depth, bool colour,
                   std::string& out) {
  if (!v.is_object() || depth > tree_depth_max) return;
  const auto& node = v.get_object();
  out += tinted(harmless(dash_if_empty(text_at(node, "name"))), tint::strong, colour);
  if (const auto kind = text_at(node, "kind"); !kind.empty()) out += "  " + harmless(kind);
  if (const auto state = text_at(node, "state"); !state.empty())
    out += "  " + tinted(harmless(state), tint_of_state(state), colour);
  if (const auto restarts = int_at(node, "restarts"); restarts > 0)
    out += tinted("  " + std::to_string(restarts) + (restarts == 1 ? " restart" : " restarts"),
                  tint::warn, colour);
  out += "\n";
  const auto& children = array_at(node, "children");
  for (std::size_t i = 0; i < children.size(); ++i) {
    const bool last = i + 1 == children.size();
    out += indent + (last ? "└─ " : "├─ ");
    render_branch(children[i], indent + (last ? "   " : "│  "), depth + 1, colour, out);
  }
}

} // namespace

std::string tinted(std::string_view text, tint t, bool colour) {
  if (!colour || t == tint::none || text.empty()) return std::string(text);
  constexpr const char* codes[] = {"0", "32", "33", "31", "2", "1"};
  return std::string("\x1b[") + codes[std::size_t(t)] + "m" + std::string(text) + "\x1b[0m";
}

tint tint_of_state(std::string_view state) {
  for (const auto* s : {"ready", "up", "alive", "running", "active", "handled", "ok", "idle"})
    if (state == s) return tint::good;
  for (const auto* s : {"stopped", "down", "dead", "refused", "failed", "expired", "unreachable"})
    if (state == s) return tint::bad;
  for (const auto* s : {"joining", "draining", "suspect", "backoff", "connecting", "restarting",
                        "in_doubt", "unknown"})
    if (state == s) return tint::warn;
  return tint::none;
}

std::string harmless(std::string_view text) { return clean_text(text, cell_size_max); }

std::string harmless_payload(std::string_view text) {
  auto out = clean_text(text, payload_size_max);
  if (out.size() != text.size()) return out; // it was not UTF-8
  for (std::size_t i = 0; i < out.size(); ++i)
    if (text[i] == '\n' || text[i] == '\t') out[i] = text[i];
  return out;
}

std::string table(const std::vector<std::string>& head,
                  const std::vector<std::vector<std::string>>& rows, bool colour,
                  std::size_t state_column) {
  std::vector<std::size_t> widths;
  for (const auto& h : head) widths.push_back(width_of(h));
  for (const auto& row : rows)
    for (std::size_t i = 0; i < head.size() && i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  std::string out;
  const auto add_line = [&](const std::vector<std::string>& cells, bool is_head) {
    for (std::size_t i = 0; i < head.size(); ++i) {
      const std::string cell = i < cells.size() ? cells[i] : "";
      const auto t = is_head ? tint::faint : i == state_column ? tint_of_state(cell) : tint::none;
      out += tinted(cell, t, colour);
      if (i + 1 < head.size()) out.append(widths[i] - width_of(cell) + 2, ' ');
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += "\n";
  };
  add_line(head, true);
  for (const auto& row : rows) add_line(row, false);
  return out;
}

std::string render_nodes(const json::array& nodes, std::int64_t now_ms, bool colour) {
  std::vector<std::vector<std::string>> rows;
  const bool edges = std::any_of(nodes.begin(), nodes.end(), [](const json::value& v) {
    return v.is_object() && !text_at(v.get_object(), "edge_url").empty();
  });
  for (const auto& v : nodes) {
    if (!v.is_object()) continue;
    const auto& s = v.get_object();
    const auto started = int_at(s, "started_ms");
    const bool runs = s.contains("pid");
    rows.push_back({harmless(text_at(s, "name")), harmless(dash_if_empty(text_at(s, "state"))),
                    dash_if_empty(text_at(s, "pid")),
                    harmless(dash_if_empty(text_at(s, "link_address"))), runs ? peers_of(s) : "-",
                    dash_if_empty(text_at(s, "agents")),
                    started > 0 ? rough_duration(now_ms - started) : "-",
                    harmless(dash_if_empty(text_at(s, "node")))});
    if (edges)
      rows.back().insert(rows.back().end() - 1, harmless(dash_if_empty(text_at(s, "edge_url"))));
  }
  std::vector<std::string> head{"NODE", "STATE", "PID", "ADDRESS", "PEERS", "AGENTS", "UP", "DID"};
  if (edges) head.insert(head.end() - 1, "EDGE"); // few have one
  return table(head, rows, colour, 1);
}

std::string render_tree(const json::value& root, bool colour) {
  std::string out;
  render_branch(root, "", 0, colour, out);
  return out;
}

// An agent of another node tells only what it advertises.
static std::string takes(const json::object& agent) {
  const auto& handlers = array_at(agent, "handlers");
  if (!handlers.empty()) return joined(handlers);
  json::array kinds;
  for (const auto& one : array_at(agent, "advertised"))
    if (one.is_object()) kinds.emplace_back(text_at(one.get_object(), "kind"));
  return joined(kinds);
}

std::string render_agents(const json::array& agents, bool colour) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : agents) {
    if (!v.is_object()) continue;
    const auto& a = v.get_object();
    rows.push_back({harmless(dash_if_empty(text_at(a, "name"))), harmless(text_at(a, "type")),
                    harmless(dash_if_empty(text_at(a, "node_name"))),
                    harmless(dash_if_empty(text_at(a, "state"))),
                    dash_if_empty(text_at(a, "pending")), harmless(text_at(a, "did")),
                    harmless(takes(a))});
  }
  auto out = table({"NAME", "TYPE", "NODE", "STATE", "PENDING", "DID", "TAKES"}, rows, colour, 3);
  return out;
}

std::string render_agents_wide(const json::array& agents, bool colour) {
  std::vector<std::vector<std::string>> rows;
  const bool owners = std::any_of(agents.begin(), agents.end(), [](const json::value& v) {
    return v.is_object() && !text_at(v.get_object(), "owner").empty();
  });
  for (const auto& v : agents) {
    if (!v.is_object()) continue;
    const auto& a = v.get_object();
    rows.push_back({harmless(dash_if_empty(text_at(a, "node_name"))),
                    harmless(dash_if_empty(text_at(a, "name"))), harmless(text_at(a, "type")),
                    harmless(dash_if_empty(text_at(a, "state"))),
                    dash_if_empty(text_at(a, "pending")),
                    dash_if_empty(text_at(a, "unacknowledged")), harmless(dash_if_empty(takes(a))),
                    harmless(text_at(a, "did"))});
    if (owners) rows.back().push_back(harmless(dash_if_empty(text_at(a, "owner"))));
  }
  std::vector<std::string> head{"NODE",    "NAME",           "TYPE",  "STATE",
                                "WAITING", "UNACKNOWLEDGED", "KINDS", "DID"};
  if (owners) head.emplace_back("OWNER"); // few have one
  return table(head, rows, colour, 3);
}

std::string render_where(const json::object& where, bool colour) {
  const auto state = dash_if_empty(text_at(where, "state"));
  std::string out = harmless(text_at(where, "id")) + "  " +
                    tinted(harmless(state), tint_of_state(state), colour) + "\n";
  for (const auto* name : {"from", "to", "node", "lane", "seq"})
    if (const auto value = text_at(where, name); !value.empty())
      out += "  " + std::string(name) + std::string(6 - std::string_view(name).size(), ' ') +
             harmless(value) + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : array_at(where, "history")) {
    if (!v.is_object()) continue;
    const auto& step = v.get_object();
    const auto at = int_at(step, "at_ms");
    rows.push_back({at > 0 ? utc_time(at) : "-", harmless(text_at(step, "state")),
                    harmless(text_at(step, "node")), harmless(text_at(step, "reason"))});
  }
  if (!rows.empty()) out += table({"AT", "STATE", "NODE", "WHY"}, rows, colour, 1);
  return out;
}

// As it came where it does not go to a terminal.
static std::string payload_of(const json::object& message, bool terminal) {
  if (const auto* value = message.if_contains("json")) return json_text(*value);
  const bool coded = message.contains("base64");
  const auto text = text_at(message, coded ? "base64" : "text");
  return (coded ? "(base64) " : "") + (terminal ? harmless_payload(text) : text);
}

std::string render_message(const json::object& message, bool terminal) {
  auto out = text_at(message, "position") + "  " + utc_time(int_at(message, "created_ms")) + "  " +
             harmless(text_at(message, "kind")) + "  from " + harmless(text_at(message, "from"));
  if (const auto said = text_at(message, "status"); !said.empty() && said != "ok")
    out += "  " + harmless(said);
  out += "  " + harmless(text_at(message, "id")) + "\n";
  return out + payload_of(message, terminal) + "\n";
}

std::string render_timers(const json::array& timers) {
  if (timers.empty()) return "No timers.";
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : timers) {
    if (!v.is_object()) continue;
    const auto& t = v.get_object();
    const auto due = int_at(t, "due_ms");
    rows.push_back({harmless(text_at(t, "id")), due > 0 ? utc_time(due) : "never",
                    harmless(text_at(t, "kind")), harmless(text_at(t, "fired")),
                    harmless(text_at(t, "missed")),
                    harmless(text_at(t, "schedule") +
                             (text_at(t, "problem").empty() ? "" : ": " + text_at(t, "problem")))});
  }
  return table({"ID", "NEXT", "KIND", "FIRED", "MISSED", "SCHEDULE"}, rows, false);
}

std::string render_dead_letters(const json::array& letters) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : letters) {
    if (!v.is_object()) continue;
    const auto& l = v.get_object();
    rows.push_back({harmless(text_at(l, "id")), utc_time(int_at(l, "at_ms")),
                    harmless(text_at(l, "kind")), harmless(text_at(l, "attempts")),
                    harmless(text_at(l, "agent")), harmless(text_at(l, "reason"))});
  }
  return table({"ID", "AT", "KIND", "TRIES", "AGENT", "WHY"}, rows, false);
}

namespace {

std::string awaited(const json::value& step) {
  if (!step.is_object()) return {};
  const auto& o = step.get_object();
  const auto due = int_at(o, "due_ms");
  return harmless(text_at(o, "what")) + (due != 0 ? " until " + utc_time(due) : "");
}

} // namespace

std::string render_handlers(const json::array& handlers) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : handlers) {
    if (!v.is_object()) continue;
    const auto& h = v.get_object();
    const auto& awaits = array_at(h, "awaits");
    auto first = awaits.empty() ? std::string("-") : awaited(awaits.front());
    if (awaits.size() > 1) first += " and " + std::to_string(awaits.size() - 1) + " more";
    rows.push_back({harmless(text_at(h, "id")), utc_time(int_at(h, "started_ms")),
                    harmless(text_at(h, "node")), harmless(dash_if_empty(text_at(h, "name"))),
                    harmless(text_at(h, "kind")), std::move(first)});
  }
  return table({"ID", "SINCE", "NODE", "NAME", "KIND", "AWAITS"}, rows, false);
}

std::string render_handler(const json::object& h) {
  std::string out;
  const auto line = [&](std::string_view name, const std::string& value) {
    out += std::string(name) + std::string(14 - name.size(), ' ') + value + "\n";
  };
  for (const auto* name : {"id", "agent", "name", "type", "node", "kind", "from"})
    line(name, harmless(dash_if_empty(text_at(h, name))));
  line("since", utc_time(int_at(h, "started_ms")));
  if (const auto at = int_at(h, "cancelled_at_ms"); at != 0) line("cancelled at", utc_time(at));
  line("segments", std::to_string(int_at(h, "segments")) + ", " +
                       std::to_string(int_at(h, "journal_bytes")) + " bytes");
  for (const auto& step : array_at(h, "awaits")) line("awaits", awaited(step));
  return out;
}

std::string render_crashes(const json::array& crashes) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : crashes) {
    if (!v.is_object()) continue;
    const auto& r = v.get_object();
    rows.push_back({utc_time(int_at(r, "at_ms")), harmless(text_at(r, "node")),
                    harmless(dash_if_empty(text_at(r, "name"))), harmless(text_at(r, "type")),
                    harmless(text_at(r, "agent")), harmless(text_at(r, "reason")),
                    harmless(dash_if_empty(text_at(r, "handling")))});
  }
  return table({"AT", "NODE", "NAME", "TYPE", "AGENT", "WHY", "HANDLING"}, rows, false);
}

std::string render_dead_letter(const json::object& letter) {
  std::string out;
  for (const auto* name : {"id", "agent", "from", "kind", "reason", "attempts", "content_type"})
    if (const auto value = text_at(letter, name); !value.empty())
      out += std::string(name) + std::string(14 - std::string_view(name).size(), ' ') +
             harmless(value) + "\n";
  if (const auto at = int_at(letter, "at_ms"); at > 0)
    out += std::string("at") + std::string(12, ' ') + utc_time(at) + "\n";
  return out + "\n" + payload_of(letter, true) + "\n";
}

} // namespace kith::cli
