// The verbs that act on dead letters: sent again as new messages of this node's own agent, or
// erased.
#include "actors/mailbox/keys.hpp"
#include "actors/node/control_server.hpp"

#include <algorithm>
#include <boost/json.hpp>

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

struct purge {
  store::write_batch batch;
  bj::array purged, missing;
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
    KITH_ASSIGN(const auto stored, parts.disk->get(store::table::ledger, keys::dead(id)));
    if (!stored) {
      out.missing.push_back(v);
      continue;
    }
    out.batch.erase(store::table::ledger, keys::dead(id));
    out.purged.push_back(v);
  }
  return out;
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
  bj::object o{{"purged", std::move(wanted->purged)}, {"missing", std::move(wanted->missing)}};
  if (wanted->batch.empty()) return reply(std::move(o));
  auto submitted = parts.journal->submit(
      std::move(wanted->batch), [reply, o = std::move(o)](const result<journal_position>& done) {
        if (!done) return reply(fail(done.error()));
        reply(o);
      });
  if (!submitted) reply(fail(submitted.error()));
}

} // namespace kith::control
