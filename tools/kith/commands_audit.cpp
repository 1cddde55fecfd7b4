// `kith audit`: reads the files of the nodes here, whether these run or not.
#include "runtime/audit/audit_check.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/text_values.hpp"

#include <boost/json.hpp>
#include <deque>

namespace kith::cli {
namespace {

namespace json = boost::json;

result<std::vector<std::string>> names_of(const context& c) {
  KITH_TRY(c.dir.require());
  if (c.given.node.empty()) return c.dir.node_names();
  KITH_ASSIGN(auto name, c.dir.find_node(c.given.node));
  return std::vector<std::string>{std::move(name)};
}

// One that was never started has none.
bool has_none(const context& c, const error& e) {
  return e.code == "no_audit_log" && c.given.node.empty();
}

} // namespace

result<int> audit_show_command(const context& c) {
  KITH_ASSIGN(const auto names, names_of(c));
  json::array all;
  std::vector<std::vector<std::string>> rows;
  for (const auto& name : names) {
    std::deque<std::string> last;
    bool unfinished = false;
    const auto read = audit::read_all(
        c.dir.node_dir(name), [](const std::string&) {},
        [&](std::string_view text) {
          last.emplace_back(text);
          if (last.size() > c.given.lines) last.pop_front();
        },
        unfinished);
    if (!read && !has_none(c, read.error())) return fail(read.error());
    for (const auto& text : last) {
      const auto l = audit::parse_line(text);
      if (!l) {
        all.push_back({{"node", name}, {"damaged", harmless(text)}});
        rows.push_back({name, "-", "-", "-", "damaged: see kith audit verify"});
        continue;
      }
      all.push_back({{"node", name},
                     {"seq", l->seq},
                     {"at_ms", l->at},
                     {"act", l->what.name},
                     {"subject", l->what.subject},
                     {"outcome", l->what.outcome},
                     {"who", l->what.who}});
      rows.push_back({name, std::to_string(l->seq), utc_time(l->at), harmless(l->what.who),
                      harmless(l->what.name), harmless(l->what.outcome),
                      harmless(l->what.subject)});
    }
  }
  return c.print(all, rows.empty() ? "Nothing was changed yet."
                                   : table({"NODE", "SEQ", "AT", "WHO", "ACT", "OUTCOME", "WHAT"},
                                           rows, c.io.colour));
}

result<int> audit_verify_command(const context& c) {
  std::optional<audit::chain_head> keep;
  if (!c.given.head.empty()) {
    if (c.given.node.empty())
      return fail(errc::invalid, "usage", "--head is one node's: say which with --node");
    KITH_ASSIGN(keep, audit::chain_head::parse(c.given.head));
  }
  KITH_ASSIGN(const auto names, names_of(c));
  json::array all;
  std::string text;
  bool good = true;
  for (const auto& name : names) {
    const auto r = audit::verify(c.dir.node_dir(name), keep);
    if (!r && has_none(c, r.error())) continue;
    if (!r) return fail(r.error());
    json::array findings;
    for (const auto& f : r->findings) {
      findings.push_back({{"file", f.file}, {"line", f.line}, {"what", f.what}});
      text += name + ": " + f.file + ", line " + std::to_string(f.line) + ": " + f.what + "\n";
    }
    if (r->more_findings > 0)
      text += name + ": and " + std::to_string(r->more_findings) + " more\n";
    good = good && r->findings.empty();
    all.push_back({{"node", name},
                   {"good", r->findings.empty()},
                   {"files", r->files},
                   {"lines", r->lines},
                   {"first", r->first},
                   {"head", r->head.seq == 0 ? "" : r->head.text()},
                   {"unfinished", r->unfinished},
                   {"findings", std::move(findings)},
                   {"more_findings", r->more_findings}});
    text += name + ": " + std::to_string(r->lines) + (r->lines == 1 ? " line" : " lines") +
            (r->findings.empty() ? ", each follows from the one before" : "");
    if (r->first > 1)
      text += ", from seq " + std::to_string(r->first) +
              " on: older ones are gone, as the oldest "
              "file goes when there are many";
    if (r->unfinished) text += "; the last has no end yet";
    if (r->head.seq != 0) text += "\n  head " + r->head.text();
    text += '\n';
  }
  if (good && !keep && !all.empty())
    text += "An end that was cut off shows only against a head that was kept elsewhere: --head.\n";
  c.print(all, all.empty() ? "No node here has an audit log yet." : text);
  return good ? exit_ok : exit_corrupt;
}

} // namespace kith::cli
