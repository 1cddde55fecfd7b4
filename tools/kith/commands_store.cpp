// `kith backup`, `kith restore`, `kith verify` and `kith fsck`: a node's store as a whole.
#include "actors/upkeep/fsck.hpp"
#include "actors/upkeep/stopped.hpp"
#include "runtime/store/verification.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/render.hpp"
#include "tools/kith/restore_node.hpp"
#include "tools/kith/signals.hpp"
#include "tools/kith/text_values.hpp"

#include <boost/json.hpp>
#include <ostream>

namespace kith::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr duration look_interval = std::chrono::milliseconds(100);
constexpr duration say_interval = std::chrono::seconds(1);
constexpr std::uint64_t mib = 1 << 20;

std::string mebibytes(std::uint64_t bytes) {
  const auto tenths = bytes * 10 / mib;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

json::object as_json(const backup::manifest& m) {
  return {{"id", m.id},
          {"node", m.node.text()},
          {"name", m.node_name},
          {"when_ms", m.when},
          {"position", m.position},
          {"bytes", m.bytes},
          {"bytes_new", m.bytes_new},
          {"version", m.kith}};
}

// Says how far it is, now and then, to a person at a terminal.
class progress {
public:
  progress(const context& c, std::string doing) : c_(c), doing_(std::move(doing)) {}
  void say(std::uint64_t bytes) {
    const auto now = clock_.now();
    if (c_.given.json || now - said_ < say_interval) return;
    said_ = now;
    c_.io.err << "kith: " << doing_ << ", " << mebibytes(bytes) << " so far" << std::endl;
  }

private:
  const context& c_;
  const std::string doing_;
  const system_clock clock_;
  time_point said_ = clock_.now();
};

// A piece of work that a running node does by itself: begins it, and looks until it is done.
result<json::object> have_done(const context& c, client& node, std::string_view verb,
                               const json::object& args, const std::string& doing) {
  KITH_ASSIGN(auto signals, stop_signals::take_over());
  KITH_ASSIGN(auto begun, call(node, verb, args));
  const auto started = int_at(object_of(begun), "started_ms");
  progress saying(c, doing);
  for (;;) {
    KITH_ASSIGN(auto seen, call(node, "store_work"));
    auto report = object_of(std::move(seen));
    if (int_at(report, "started_ms") != started)
      return fail(errc::conflict, "store_busy", "the node was told to do something else meanwhile");
    if (text_at(report, "state") == "done") return report;
    saying.say(std::uint64_t(int_at(report, "bytes_done")));
    if (signals.wait(look_interval))
      return fail(errc::cancelled, "not_waited_for",
                  "the node goes on with it; its log says how it ends");
  }
}

// Whether a node of that name runs; its connection if so.
result<std::optional<client>> running(const context& c, const std::string& name) {
  auto connection = c.connect_to(name);
  if (connection) return std::optional(std::move(*connection));
  if (connection.error().category == errc::unavailable) return std::nullopt;
  return fail(connection.error());
}

result<json::object> backup_at_rest(const context& c, const std::string& name, const fs::path& to) {
  const auto dir = c.dir.node_dir(name);
  KITH_ASSIGN(const auto settings, load_settings(dir, c.io.settings, {}));
  const auto secret = settings.text("cluster.secret_file");
  progress saying(c, "copying");
  backup::take_options how{to, c.given.keep, c.given.rate * mib, [&](std::uint64_t bytes) {
                             saying.say(bytes);
                             return true;
                           }};
  system_random random;
  KITH_ASSIGN(const auto m,
              upkeep::back_up_stopped({{},
                                       settings.text("node.name"),
                                       dir,
                                       secret.empty() ? dir / "cluster.secret" : fs::path(secret),
                                       c.what.version},
                                      how, system_clock(), random));
  return as_json(m);
}

std::string text_of(const std::vector<backup::listed>& all) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : all)
    if (one.is)
      rows.push_back({std::to_string(one.id), utc_time(one.is->when), harmless(one.is->node_name),
                      std::to_string(one.is->position), mebibytes(one.is->bytes),
                      mebibytes(one.is->bytes_new), harmless(one.is->kith)});
    else
      rows.push_back({std::to_string(one.id), "damaged: " + harmless(one.problem.context)});
  return table({"id", "when", "node", "position", "size", "new", "kith"}, rows, false);
}

std::string text_of(const json::array& damage) {
  std::string out;
  for (const auto& v : damage) {
    const auto d = object_of(v);
    out +=
        "  " + harmless(text_at(d, "file")) + ": " + sentence(harmless(text_at(d, "what"))) + "\n";
  }
  return out;
}

json::object as_json(const store::store_verification& v) {
  json::array damage;
  for (const auto& d : v.damage) damage.push_back({{"file", d.file}, {"what", d.what}});
  return {
      {"position", v.position}, {"files", v.files}, {"bytes_done", v.bytes}, {"damage", damage}};
}

} // namespace

result<int> backup_command(const context& c) {
  if (c.given.where.empty())
    return fail(errc::invalid, "usage", "say where to with --to; see `kith backup --help`");
  KITH_ASSIGN(const auto name, c.one_node());
  std::error_code ec;
  const auto to = fs::absolute(c.given.where, ec).lexically_normal();
  if (ec) return fail(errc::io, "backup_file", c.given.where + ": " + ec.message());
  KITH_ASSIGN(auto node, running(c, name));
  json::object made;
  if (node) {
    KITH_ASSIGN(made, have_done(c, *node, "backup",
                                {{"to", to.string()},
                                 {"keep", c.given.keep},
                                 {"bytes_per_s", c.given.rate * mib}},
                                "copying"));
  } else {
    KITH_ASSIGN(made, backup_at_rest(c, name, to));
  }
  made["name"] = name;
  made["to"] = to.string();
  return c.print(made, "Backup " + text_at(made, "id") + " of node " + name + " is in " +
                           to.string() + ": position " + text_at(made, "position") + ", " +
                           mebibytes(std::uint64_t(int_at(made, "bytes"))) + ", of which " +
                           mebibytes(std::uint64_t(int_at(made, "bytes_new"))) + " are new.");
}

result<int> backup_ls_command(const context& c) {
  KITH_ASSIGN(const auto all, backup::list(c.given.where));
  json::array out;
  for (const auto& one : all)
    out.push_back(one.is ? as_json(*one.is)
                         : json::object{{"id", one.id}, {"problem", one.problem.context}});
  return c.print(out, text_of(all));
}

result<int> backup_verify_command(const context& c) {
  KITH_ASSIGN(const auto m, backup::verify(c.given.where, c.given.backup));
  return c.print(as_json(m), "Backup " + std::to_string(m.id) + " of node " +
                                 harmless(m.node_name) + " is as it was written: position " +
                                 std::to_string(m.position) + ", " + mebibytes(m.bytes) + ".");
}

result<int> restore_command(const context& c) {
  KITH_ASSIGN(const auto done, restore_node(c.dir, c.given.where, c.given.backup, c.given.node,
                                            c.given.force, system_clock().wall()));
  json::object out = as_json(done.from);
  out["dir"] = done.node_dir.string();
  if (!done.aside.empty()) out["moved_aside"] = done.aside.string();
  out["settings"] = done.kept_settings ? "kept" : "restored";
  std::string text = "Backup " + std::to_string(done.from.id) + " of node " +
                     harmless(done.from.node_name) + ", position " +
                     std::to_string(done.from.position) + ", is restored to " +
                     done.node_dir.string() + ".\n";
  if (!done.aside.empty()) text += "What was there is in " + done.aside.string() + ".\n";
  if (done.kept_settings) text += "Its kith.toml was there, and was left as it is.\n";
  text += "Look at its kith.toml, above all link.listen and cluster.seeds, and start it: it sends "
          "in new incarnations from then on. The node that it is a copy of must never run again.\n";
  return c.print(out, text);
}

result<int> verify_command(const context& c) {
  KITH_ASSIGN(const auto name, c.one_node());
  KITH_ASSIGN(auto node, running(c, name));
  json::object found;
  if (node) {
    KITH_ASSIGN(found, have_done(c, *node, "verify", {}, "reading"));
  } else {
    progress saying(c, "reading");
    KITH_ASSIGN(const auto checked,
                store::verify_store(c.dir.node_dir(name) / "store", [&](std::uint64_t bytes) {
                  saying.say(bytes);
                  return true;
                }));
    found = as_json(checked);
  }
  const auto damage = array_at(found, "damage");
  const json::object out{{"name", name},
                         {"position", int_at(found, "position")},
                         {"files", int_at(found, "files")},
                         {"bytes", int_at(found, "bytes_done")},
                         {"damage", damage}};
  if (damage.empty()) {
    c.print(out, "The store of node " + name + " is as it was written: " + text_at(found, "files") +
                     " files, " + mebibytes(std::uint64_t(int_at(found, "bytes_done"))) +
                     ", position " + text_at(found, "position") + ".");
    return exit_ok;
  }
  c.print(out, "The store of node " + name + " is damaged:\n" + text_of(damage) +
                   "Restore it from a backup: `kith restore --help`.\n");
  return exit_corrupt;
}

result<int> fsck_command(const context& c) {
  KITH_ASSIGN(const auto name, c.one_node());
  KITH_ASSIGN(const auto disk,
              store::rocks_backend::open(c.dir.node_dir(name) / "store", {.read_only = true}));
  KITH_ASSIGN(const auto r, upkeep::fsck(*disk));
  json::object records;
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : r.records) {
    records[kind] = count;
    sum += count;
  }
  json::array findings;
  std::string text;
  for (const auto& f : r.findings) {
    findings.push_back({{"table", f.table}, {"key", f.key}, {"code", f.code}, {"what", f.what}});
    text += "  " + f.table + " " + harmless(f.key) + ": " + sentence(harmless(f.what)) + " (" +
            f.code + ")\n";
  }
  const json::object out{{"name", name},
                         {"position", disk->recovered()},
                         {"records", records},
                         {"findings", findings},
                         {"count", r.count}};
  if (r.count > r.findings.size())
    text += "  and " + std::to_string(r.count - r.findings.size()) + " more\n";
  text += std::to_string(sum) + " records, " +
          (r.count == 0 ? "all is well" : std::to_string(r.count) + " findings") + ".";
  c.print(out, text);
  return r.count == 0 ? exit_ok : exit_corrupt;
}

} // namespace kith::cli
