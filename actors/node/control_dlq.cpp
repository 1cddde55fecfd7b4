// The verbs that act on dead letters: sent again as new messages of this node's own agent, or
// erased.
#include "actors/mailbox/burial.hpp"
#include "actors/node/gathering.hpp"

#include <boost/json.hpp>
#include <map>
#include <set>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr std::size_t purged_max = 1000; // letters of one request: invalid "bad_argument" past it

result<records::dead_letter> letter_of(node_parts& parts, const uuid& id) {
  KITH_ASSIGN(const auto stored, parts.disk->get(store::table::ledger, keys::dead(id)));
  if (!stored)
    return fail(errc::not_found, "unknown_dead_letter",
                "no dead letter on this node has the id " + id.text());
  return records::decode<records::dead_letter>(*stored);
}

// The dead letter goes with the commit that sends it anew (mailbox::admit).
result<ingress> replay_of(node_parts& parts, const bj::object& args) {
  KITH_ASSIGN(const auto text, text_argument(args, "id"));
  KITH_ASSIGN(const auto id, uuid::parse(text));
  KITH_ASSIGN(const auto letter, letter_of(parts, id));
  KITH_ASSIGN(const auto e, envelope::parse(letter.envelope));
  if (e.lane() != lane::request)
    return fail(errc::unsupported, "answer_not_replayable",
                "message " + text + " is an answer; what it answered must be asked again");
  ingress in;
  in.to = letter.agent;
  in.kind = e.kind();
  in.content_type = e.content_type();
  in.payload = as_text(e.payload());
  in.replay_of = id;
  return in;
}

// What is to be erased, by the agents whose dead letters they are.
struct purge {
  std::vector<uuid> ids;
  std::map<did, std::vector<uuid>> of;
};

result<purge> purge_of(node_parts& parts, const bj::object& args) {
  const auto* ids = args.if_contains("ids");
  if (ids == nullptr || !ids->is_array() || ids->get_array().size() > purged_max)
    return fail(errc::invalid, "bad_argument",
                "argument ids must be an array of at most " + std::to_string(purged_max));
  purge out;
  for (const auto& v : ids->get_array()) {
    if (!v.is_string())
      return fail(errc::invalid, "bad_argument", "argument ids must hold strings");
    KITH_ASSIGN(const auto id, uuid::parse(std::string_view(v.get_string())));
    out.ids.push_back(id);
    KITH_ASSIGN(const auto stored, parts.disk->get(store::table::ledger, keys::dead(id)));
    if (!stored) continue;
    KITH_ASSIGN(const auto letter, records::decode<records::dead_letter>(*stored));
    out.of[letter.agent].push_back(id);
  }
  return out;
}

using purge_reply = std::function<void(result<std::vector<uuid>>)>;

// Those of an agent that does not run, whose records nobody else writes.
void purge_at_rest(node_parts& parts, const did& agent, const std::vector<uuid>& ids,
                   const purge_reply& reply) {
  const auto self = keys::of(agent);
  store::write_batch batch;
  auto done = purge_dead(
      *parts.disk, kith::handlers(parts.limits, self), agent, ids,
      [](const handler_id&) { return false; }, batch);
  if (!done || batch.empty())
    return reply(done ? result<std::vector<uuid>>(std::vector<uuid>()) : fail(done.error()));
  auto submitted = parts.journal->submit(
      std::move(batch),
      [reply, letters = std::move(done->letters)](const result<journal_position>& synced) {
        if (!synced) return reply(fail(synced.error()));
        reply(letters);
      });
  if (!submitted) reply(fail(submitted.error()));
}

// Once all agents have answered: {purged, missing}.
void finish_purge(const std::vector<uuid>& asked, std::size_t agents, const bj::array& answers,
                  const control_server::reply& reply) {
  std::set<std::string> gone;
  for (const auto& a : answers) {
    if (a.is_string())
      return reply(fail(errc::unavailable, "not_purged", std::string(a.as_string())));
    for (const auto& id : a.as_array()) gone.emplace(id.as_string());
  }
  if (answers.size() < agents)
    return reply(fail(errc::timeout, "no_answer",
                      "not every agent answered in time; `kith dlq ls` says which are left"));
  bj::array purged, missing;
  for (const auto& id : asked) {
    auto text = id.text();
    (gone.contains(text) ? purged : missing).emplace_back(std::move(text));
  }
  reply(bj::object{{"purged", std::move(purged)}, {"missing", std::move(missing)}});
}

} // namespace

void dlq_replay(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto in = replay_of(parts, args);
  if (!in) return reply(fail(in.error()));
  in->accepted = [reply, to = in->to](const ingress::outcome& o) {
    if (!o.problem.code.empty()) return reply(fail(o.problem));
    reply(bj::value{{"id", o.id.text()}, {"to", to.text()}});
  };
  through_node(parts, std::move(*in));
}

void dlq_purge(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto wanted = purge_of(parts, args);
  if (!wanted) return reply(fail(wanted.error()));
  const auto agents = wanted->of.size();
  auto gather = std::make_shared<gathering>(
      [reply = std::move(reply), ids = std::move(wanted->ids), agents](bj::array answers) {
        finish_purge(ids, agents, answers, reply);
      });
  gather->expect(agents);
  for (auto& [agent, ids] : wanted->of) {
    purge_reply one = [gather](result<std::vector<uuid>> purged) {
      if (!purged) return gather->one(bj::string(purged.error().what()));
      bj::array out;
      for (const auto& id : *purged) out.emplace_back(id.text());
      gather->one(std::move(out));
    };
    bool runs = false;
    parts.router.at(agent, [&](const route& where) {
      runs = where.mailbox != nullptr;
      if (runs) caf::anon_send(where.mailbox, dead_purge{ids, one});
    });
    if (!runs) purge_at_rest(parts, agent, ids, one);
  }
  parts.reactor.after(gathering::time_max, [gather] { gather->give_up(); });
}

} // namespace kith::control
