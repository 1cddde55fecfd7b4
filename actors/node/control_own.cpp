// The verb `own`: who outside may act as an agent. The agent's own mailbox takes it, at whichever
// node that is, so that nothing else writes the agent's record at the same time.
#include "actors/node/control_server.hpp"

#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr std::uint64_t answer_ms_max = 10'000;

struct order {
  agent_directory::listing agent;
  did owner; // empty: nobody
};

result<order> read_order(node_parts& parts, const bj::object& args) {
  order o;
  KITH_ASSIGN(const auto text, text_argument(args, "agent"));
  KITH_ASSIGN(o.owner, owner_argument(args));
  KITH_ASSIGN(const auto agent, agent_reference(parts, text));
  auto found = parts.directory.find(agent);
  if (!found)
    return fail(errc::not_found, "unknown_agent", "no agent of this cluster is " + agent.text());
  if (found->agent.type == "kith.mailbox")
    return fail(errc::conflict, "outside",
                agent.text() + " lives outside of any node, and is nobody's");
  if (found->agent.type == "kith.node")
    return fail(errc::conflict, "is_node",
                agent.text() + " is a node, and is whoever's who can open its control socket");
  const auto peer = parts.peers.find(found->node);
  const bool here = found->node == parts.self();
  const auto where = parts.router.find(agent);
  if (here ? !where.mailbox && !where.asleep : !peer || peer->state != "up")
    return fail(errc::unavailable, here ? "mailbox_down" : "node_away",
                here ? "the agent does not run; `kith tree` says why"
                     : "the agent's node is not connected to this one");
  o.agent = std::move(*found);
  return o;
}

} // namespace

result<did> owner_argument(const bj::object& args) {
  KITH_ASSIGN(const auto text, optional_text(args, "owner"));
  if (text.empty()) return did();
  auto owner = did::parse(text);
  if (!owner || !owner->ed25519())
    return fail(errc::invalid, "bad_owner",
                "an owner is a did:key of Ed25519 (did:key:z6Mk...), and not " + text);
  return owner;
}

void own(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto o = read_order(parts, args);
  if (!o) return reply(fail(o.error()));
  ingress in;
  in.to = o->agent.agent.agent;
  in.kind = "kith.own";
  in.content_type = json_type;
  in.payload = bj::serialize(bj::value{{"owner", o->owner.text()}});
  in.quality = qos::at_most_once; // overtakes what waits for the agent, or is tried again and again
  in.wants_answer = true;
  in.timeout_ms = answer_ms_max;
  in.accepted = [reply](const ingress::outcome& said) {
    if (!said.problem.code.empty()) reply(fail(said.problem));
  };
  in.answered = [reply, what = *o](const ingress::answer& a) {
    if (a.timed_out)
      return reply(fail(errc::timeout, "no_answer",
                        "the agent's mailbox did not answer in time; `kith agents --wide` says "
                        "whose it is now"));
    if (a.status != answer_status::ok) return reply(fail(errc::internal, "own_failed", a.payload));
    bj::object done{{"did", what.agent.agent.agent.text()}, {"node", what.agent.node.text()}};
    done["owner"] = what.owner.empty() ? bj::value(nullptr) : bj::value(what.owner.text());
    reply(std::move(done));
  };
  through_node(parts, std::move(in));
}

} // namespace kith::control
