#include "tools/kith/top.hpp"

#include "tools/kith/json_members.hpp"
#include "tools/kith/render.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

namespace kith::cli {
namespace {

namespace json = boost::json;

double number_at(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  if (v == nullptr || !v->is_number()) return 0;
  return v->to_number<double>();
}

json::object object_from(const std::string& text) {
  boost::system::error_code ec;
  auto v = json::parse(text, ec);
  return ec ? json::object() : object_of(std::move(v));
}

// What one node said.
struct parsed {
  explicit parsed(const node_reading& r)
      : status(object_from(r.status)), metrics(object_from(r.metrics)) {}
  json::object status, metrics;
};

// The series of one name, of one node.
class samples {
public:
  explicit samples(const json::object& answer) : all_(array_at(answer, "metrics")) {}

  // Over all series of the name.
  double sum(std::string_view name, std::string_view member = "value") const {
    double out = 0;
    each(name, [&](const json::object& s) { out += number_at(s, member); });
    return out;
  }
  // By the value of a label.
  std::map<std::string, double> by(std::string_view name, std::string_view label) const {
    std::map<std::string, double> out;
    each(name, [&](const json::object& s) {
      if (const auto* labels = s.if_contains("labels"); labels && labels->is_object())
        out[text_at(labels->get_object(), label)] += number_at(s, "value");
    });
    return out;
  }
  // Of a histogram, all its series together: how many are in each bucket, by its bound.
  std::map<double, double> counts(std::string_view name) const {
    std::map<double, double> out;
    each(name, [&](const json::object& s) {
      const auto& bounds = array_at(s, "bounds");
      const auto& counts = array_at(s, "counts");
      for (std::size_t i = 0; i < counts.size(); ++i) {
        if (!counts[i].is_number()) continue;
        const bool last = i >= bounds.size() || !bounds[i].is_number();
        out[last ? HUGE_VAL : bounds[i].to_number<double>()] += counts[i].to_number<double>();
      }
    });
    return out;
  }

private:
  template <class See> void each(std::string_view name, See see) const {
    for (const auto& v : all_)
      if (v.is_object() && text_at(v.get_object(), "name") == name) see(v.get_object());
  }
  const json::array& all_;
};

// Below which the share lies, as far as the buckets tell: the bound of its bucket. 0: there is
// nothing; what is above all bounds is told as the last of them.
double quantile(const std::map<double, double>& before, const std::map<double, double>& now,
                double share) {
  std::map<double, double> came = now;
  for (const auto& [bound, n] : before) came[bound] -= n;
  double all = 0;
  for (const auto& [bound, n] : came) all += std::max(n, 0.0);
  double seen = 0, last = 0;
  for (const auto& [bound, n] : came) {
    seen += std::max(n, 0.0);
    if (std::isfinite(bound)) last = bound;
    if (all > 0 && seen >= share * all) return last;
  }
  return 0;
}

// What of one node changed between two readings.
struct change {
  change(json::object a, const json::object& b)
      : seconds((number_at(b, "now_ns") - number_at(a, "now_ns")) / 1e9), before(std::move(a)),
        now(b) {
    // Started anew meanwhile, or it did not answer.
    if (before.empty() || now.empty() || !(seconds > 0)) seconds = 0;
  }
  double rate(double from, double to) const {
    return seconds > 0 ? std::max(to - from, 0.0) / seconds : 0;
  }
  double rate_of(std::string_view name, std::string_view member = "value") const {
    return rate(samples(before).sum(name, member), samples(now).sum(name, member));
  }
  // Of a histogram.
  double per_second(std::string_view name) const {
    const auto all = [&](const json::object& in) {
      double n = 0;
      for (const auto& [bound, count] : samples(in).counts(name)) n += count;
      return n;
    };
    return rate(all(before), all(now));
  }
  double p99(std::string_view name) const {
    return seconds > 0 ? quantile(samples(before).counts(name), samples(now).counts(name), 0.99)
                       : 0;
  }

  double seconds;
  json::object before;
  const json::object& now;
};

json::object node_row(const std::string& name, const parsed& n, const change& c) {
  const samples now(n.metrics);
  return {{"name", name},
          {"state", n.status.contains("state") ? text_at(n.status, "state") : "stopped"},
          {"memory_bytes", now.sum("process_resident_memory_bytes")},
          {"agents", now.sum("kith_agents")},
          {"agents_active", now.sum("kith_agents_active")},
          {"turns_per_s", c.per_second("kith_turn_seconds")},
          {"busy_cores", c.rate_of("kith_turn_seconds", "sum")},
          {"turn_p99_s", c.p99("kith_turn_seconds")},
          {"waiting", now.sum("kith_mailbox_waiting")},
          {"oldest_s", now.sum("kith_mailbox_oldest_seconds")},
          {"handlers", now.sum("kith_handlers_waiting")},
          {"dead_letters", now.sum("kith_dead_letters_total")},
          {"restarts", now.sum("kith_restarts_total")},
          {"commits_per_s", c.per_second("kith_journal_commit_bytes")},
          {"commit_bytes_per_s", c.rate_of("kith_journal_commit_bytes", "sum")},
          {"sync_p99_s", c.p99("kith_journal_sync_seconds")},
          {"stalls", now.sum("kith_store_stalls_total")},
          {"disk_free_bytes", now.sum("kith_store_free_bytes")}};
}

void add_links(const std::string& name, const parsed& n, const change& c, json::array& to) {
  const samples now(n.metrics), before(c.before);
  const auto up = now.by("kith_link_up", "peer");
  auto rtt = now.by("kith_link_round_trip_seconds", "peer");
  auto queue = now.by("kith_link_queue_bytes", "peer");
  auto open = now.by("kith_link_unacknowledged", "peer");
  auto stalls = now.by("kith_link_credit_stalls_total", "peer");
  auto stalled = before.by("kith_link_credit_stalls_total", "peer");
  for (const auto& [peer, is_up] : up)
    to.push_back({{"node", name},
                  {"peer", peer},
                  {"state", is_up > 0 ? "up" : "down"},
                  {"round_trip_s", rtt[peer]},
                  {"queue_bytes", queue[peer]},
                  {"unacknowledged", open[peer]},
                  {"stalls_per_s", c.rate(stalled[peer], stalls[peer])}});
}

void add_agents(const std::string& name, const parsed& n, const change& c, json::array& to) {
  std::map<std::string, const json::object*> earlier;
  for (const auto& v : array_at(c.before, "agents"))
    if (v.is_object()) earlier[text_at(v.get_object(), "did")] = &v.get_object();
  const auto at = int_at(n.metrics, "at_ms");
  for (const auto& v : array_at(n.metrics, "agents")) {
    if (!v.is_object()) continue;
    const auto& a = v.get_object();
    const auto found = earlier.find(text_at(a, "did"));
    const auto rate = [&](std::string_view member) {
      if (found == earlier.end()) return 0.0;
      return c.rate(number_at(*found->second, member), number_at(a, member));
    };
    const auto oldest = int_at(a, "oldest_ms");
    to.push_back({{"node", name},
                  {"name", text_at(a, "name")},
                  {"type", text_at(a, "type")},
                  {"did", text_at(a, "did")},
                  {"turns_per_s", rate("turns")},
                  {"busy_cores", rate("busy_ns") / 1e9},
                  {"waiting", number_at(a, "waiting")},
                  {"oldest_s", oldest == 0 ? 0.0 : std::max(0.0, double(at - oldest) / 1000)},
                  {"handlers", number_at(a, "handlers")}});
  }
}

void sort_by(json::array& rows, std::string_view first, std::string_view second) {
  std::stable_sort(rows.begin(), rows.end(), [&](const json::value& a, const json::value& b) {
    const auto& x = a.get_object();
    const auto& y = b.get_object();
    return std::pair(number_at(x, first), number_at(x, second)) >
           std::pair(number_at(y, first), number_at(y, second));
  });
}

// ---- as text

std::string count_text(double v) {
  char out[32];
  if (v >= 1e6)
    std::snprintf(out, sizeof out, "%.1fM", v / 1e6);
  else if (v >= 1e4)
    std::snprintf(out, sizeof out, "%.0fk", v / 1e3);
  else if (v == 0 || v >= 100)
    std::snprintf(out, sizeof out, "%.0f", v);
  else
    std::snprintf(out, sizeof out, v == std::floor(v) ? "%.0f" : "%.1f", v);
  return out;
}

std::string size_text(double bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(units)) bytes /= 1024, ++unit;
  char out[32];
  std::snprintf(out, sizeof out, unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes,
                units[unit]);
  return out;
}

std::string time_text(double s) {
  char out[32];
  if (s == 0)
    return "-";
  else if (s < 0.001)
    std::snprintf(out, sizeof out, "%.0fus", s * 1e6);
  else if (s < 1)
    std::snprintf(out, sizeof out, s < 0.1 ? "%.1fms" : "%.0fms", s * 1e3);
  else
    std::snprintf(out, sizeof out, s < 100 ? "%.1fs" : "%.0fs", s);
  return out;
}

std::string share_text(double cores) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f%%", cores * 100);
  return out;
}

using text_rows = std::vector<std::vector<std::string>>;

// `make` gives the cells of one row.
template <class Make> text_rows rows_of(const json::object& top, std::string_view list, Make make) {
  text_rows rows;
  for (const auto& v : array_at(top, list))
    if (v.is_object()) rows.push_back(make(v.get_object()));
  return rows;
}

} // namespace

json::object top_document(const node_readings& before, const node_readings& now,
                          std::size_t agents_max) {
  json::array nodes, agents, links;
  std::int64_t at = 0;
  for (const auto& [name, reading] : now) {
    const parsed n(reading);
    const auto earlier = before.find(name);
    const change c(earlier == before.end() ? json::object() : object_from(earlier->second.metrics),
                   n.metrics);
    at = std::max(at, int_at(n.metrics, "at_ms"));
    nodes.push_back(node_row(name, n, c));
    if (n.metrics.empty()) continue;
    add_links(name, n, c, links);
    add_agents(name, n, c, agents);
  }
  sort_by(agents, "busy_cores", "waiting");
  if (agents.size() > agents_max) agents.resize(agents_max);
  sort_by(links, "unacknowledged", "queue_bytes");
  return {{"at_ms", at},
          {"nodes", std::move(nodes)},
          {"agents", std::move(agents)},
          {"links", std::move(links)}};
}

std::string render_top(const json::object& top, bool colour, std::size_t rows) {
  const auto n = [](const json::object& o, std::string_view name) {
    return count_text(number_at(o, name));
  };
  const auto nodes = rows_of(top, "nodes", [&](const json::object& o) {
    return std::vector<std::string>{harmless(text_at(o, "name")),
                                    harmless(text_at(o, "state")),
                                    n(o, "turns_per_s"),
                                    share_text(number_at(o, "busy_cores")),
                                    time_text(number_at(o, "turn_p99_s")),
                                    n(o, "waiting"),
                                    time_text(number_at(o, "oldest_s")),
                                    n(o, "handlers"),
                                    n(o, "agents"),
                                    n(o, "dead_letters"),
                                    size_text(number_at(o, "memory_bytes"))};
  });
  const auto journals = rows_of(top, "nodes", [&](const json::object& o) {
    return std::vector<std::string>{harmless(text_at(o, "name")),
                                    n(o, "commits_per_s"),
                                    size_text(number_at(o, "commit_bytes_per_s")) + "/s",
                                    time_text(number_at(o, "sync_p99_s")),
                                    n(o, "stalls"),
                                    size_text(number_at(o, "disk_free_bytes"))};
  });
  const auto links = rows_of(top, "links", [&](const json::object& o) {
    return std::vector<std::string>{harmless(text_at(o, "node") + " to " + text_at(o, "peer")),
                                    harmless(text_at(o, "state")),
                                    time_text(number_at(o, "round_trip_s")),
                                    n(o, "unacknowledged"),
                                    size_text(number_at(o, "queue_bytes")),
                                    n(o, "stalls_per_s")};
  });
  auto agents = rows_of(top, "agents", [&](const json::object& o) {
    const auto name = text_at(o, "name");
    return std::vector<std::string>{harmless(name.empty() ? text_at(o, "did") : name),
                                    harmless(text_at(o, "type")),
                                    harmless(text_at(o, "node")),
                                    n(o, "turns_per_s"),
                                    share_text(number_at(o, "busy_cores")),
                                    n(o, "waiting"),
                                    time_text(number_at(o, "oldest_s")),
                                    n(o, "handlers")};
  });
  // What there is always, its heads, and a free line between two tables.
  const auto above = 2 * nodes.size() + links.size() + 3 + (links.empty() ? 0 : 2) + 2;
  if (rows > 0) agents.resize(std::min(agents.size(), rows > above ? rows - above : 0));
  auto out = table({"NODE", "STATE", "TURNS/S", "BUSY", "P99", "WAITING", "OLDEST", "HANDLERS",
                    "AGENTS", "DEAD", "MEMORY"},
                   nodes, colour, 1);
  out += "\n" +
         table({"JOURNAL", "COMMITS/S", "WRITTEN", "SYNC P99", "STALLS", "FREE"}, journals, colour);
  if (!links.empty())
    out += "\n" + table({"LINK", "STATE", "RTT", "UNACKED", "QUEUE", "STALLS/S"}, links, colour, 1);
  if (!agents.empty())
    out +=
        "\n" + table({"AGENT", "TYPE", "NODE", "TURNS/S", "BUSY", "WAITING", "OLDEST", "HANDLERS"},
                     agents, colour);
  return out;
}

} // namespace kith::cli
