// `kith dlq`: dead letters, of all nodes here.
#include "tools/kith/commands.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/render.hpp"

#include <boost/json.hpp>
#include <istream>
#include <map>
#include <ostream>

namespace kith::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t purged_at_once_max = 1000; // as the verb takes them

// All dead letters of all nodes, each with its node; with --agent only that one's.
result<json::array> letters_of(const context& c, std::vector<context::running>& nodes) {
  json::object args;
  if (!c.given.agent.empty()) args["agent"] = c.given.agent;
  json::array all;
  for (auto& node : nodes) {
    KITH_ASSIGN(auto value, call(node.connection, "dlq_ls", args));
    for (auto& letter : array_of(std::move(value))) {
      if (!letter.is_object()) continue;
      letter.get_object()["node"] = node.name;
      all.push_back(std::move(letter));
    }
  }
  return all;
}

// What is to be replayed or purged: ids with the name of the node that has each, "" if that is not
// known.
result<std::vector<std::pair<std::string, std::string>>>
wanted(const context& c, std::vector<context::running>& nodes) {
  std::vector<std::pair<std::string, std::string>> out;
  if (c.given.all == !c.given.ids.empty())
    return fail(errc::invalid, "usage", "say which dead letters by their ids, or --all");
  if (!c.given.agent.empty() && !c.given.all)
    return fail(errc::invalid, "usage", "--agent goes with --all");
  for (const auto& id : c.given.ids) {
    if (!uuid::parse(id)) return fail(errc::invalid, "bad_uuid", "'" + id + "' is no UUID");
    out.emplace_back(id, "");
  }
  if (!c.given.all) return out;
  KITH_ASSIGN(const auto letters, letters_of(c, nodes));
  for (const auto& v : letters)
    out.emplace_back(text_at(v.get_object(), "id"), text_at(v.get_object(), "node"));
  return out;
}

// Sends one letter again, from the node that has it: the first that does not say that it has not.
result<json::object> replay_one(std::vector<context::running>& nodes, const std::string& id,
                                const std::string& at) {
  error last{errc::not_found, "unknown_dead_letter", "no node here has the dead letter " + id};
  for (auto& node : nodes) {
    if (!at.empty() && node.name != at) continue;
    auto value = call(node.connection, "dlq_replay", {{"id", id}});
    if (value) {
      auto done = object_of(std::move(*value));
      return json::object{{"replay_of", id},
                          {"id", text_at(done, "id")},
                          {"to", text_at(done, "to")},
                          {"node", node.name}};
    }
    last = value.error();
    if (last.category != errc::not_found) break;
  }
  return fail(std::move(last));
}

// Whether the user means it. Where nobody can be asked, --yes must say so.
result<bool> confirmed(const context& c, std::size_t count) {
  if (c.given.yes || !c.given.all) return true;
  const auto what = std::to_string(count) + (count == 1 ? " dead letter" : " dead letters");
  if (!c.io.out_is_terminal)
    return fail(errc::invalid, "not_confirmed", "this erases " + what + " for good: say --yes");
  c.io.err << "Erase " << what << " for good? [y/N] " << std::flush;
  std::string said;
  std::getline(c.io.in, said);
  return said == "y" || said == "Y" || said == "yes";
}

} // namespace

result<int> crashes_command(const context& c) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  json::array found;
  for (auto& node : nodes) {
    KITH_ASSIGN(auto value, call(node.connection, "crashes"));
    for (auto& one : array_of(std::move(value))) {
      if (!one.is_object()) continue;
      one.get_object()["node"] = node.name;
      found.push_back(std::move(one));
    }
  }
  return c.print(found, found.empty() ? "No agent has crashed." : render_crashes(found));
}

result<int> dlq_ls_command(const context& c) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  KITH_ASSIGN(const auto all, letters_of(c, nodes));
  if (all.empty()) return c.print(all, "There are no dead letters.");
  return c.print(all, render_dead_letters(all));
}

result<int> dlq_show_command(const context& c) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  for (std::size_t i = 0;; ++i) { // the first of them that has it; the last one's error, if none
    auto value = call(nodes[i].connection, "dlq_show", {{"id", c.given.id}});
    if (value) {
      auto letter = object_of(std::move(*value));
      letter["node"] = nodes[i].name;
      return c.print(letter, render_dead_letter(letter));
    }
    if (value.error().category != errc::not_found || i + 1 == nodes.size())
      return fail(value.error());
  }
}

result<int> dlq_replay_command(const context& c) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  KITH_ASSIGN(const auto letters, wanted(c, nodes));
  json::array replayed, failed;
  std::string text;
  int code = exit_ok;
  for (const auto& [id, at] : letters) {
    auto done = replay_one(nodes, id, at);
    if (!done) { // the others are tried all the same
      const int own = report(c.io, false, done.error());
      if (code == exit_ok) code = own;
      failed.push_back({{"id", id}, {"code", done.error().code}});
      continue;
    }
    text += text_at(*done, "id") + "\n";
    replayed.push_back(std::move(*done));
  }
  if (letters.empty()) text = "There are no dead letters.";
  c.print(json::object{{"replayed", replayed}, {"failed", failed}}, text);
  return code;
}

result<int> dlq_purge_command(const context& c) {
  KITH_ASSIGN(auto nodes, c.connect_to_all());
  KITH_ASSIGN(const auto letters, wanted(c, nodes));
  KITH_ASSIGN(const bool sure, confirmed(c, letters.size()));
  std::map<std::string, bool> gone;
  if (sure)
    for (const auto& [id, at] : letters) gone[id] = false;
  for (auto& node : nodes) {
    json::array batch;
    const auto send = [&]() -> result<> {
      if (batch.empty()) return {};
      KITH_ASSIGN(auto value, call(node.connection, "dlq_purge", {{"ids", batch}}));
      batch.clear();
      const auto done = object_of(std::move(value));
      for (const auto& v : array_at(done, "purged"))
        if (v.is_string()) gone[std::string(v.get_string())] = true;
      return {};
    };
    for (const auto& [id, at] : letters) {
      if (!sure || gone[id] || (!at.empty() && at != node.name)) continue;
      batch.emplace_back(id);
      if (batch.size() == purged_at_once_max) KITH_TRY(send());
    }
    KITH_TRY(send());
  }
  json::array purged, missing;
  for (const auto& [id, is_gone] : gone) (is_gone ? purged : missing).emplace_back(id);
  c.print(json::object{{"purged", purged}, {"missing", missing}},
          "Erased " + std::to_string(purged.size()) + ".");
  if (missing.empty() || c.given.all) return exit_ok; // with --all, another may have erased them
  return report(c.io, false,
                {errc::not_found, "unknown_dead_letter",
                 "no node here has " + std::to_string(missing.size()) + " of them"});
}

} // namespace kith::cli
