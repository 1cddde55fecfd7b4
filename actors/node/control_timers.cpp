// The verbs about agents' timers: those of an agent are looked for in the store, so that an agent
// that does not run shows its own too; one is cancelled by the agent's mailbox, which alone writes
// them.
#include "actors/agent/timer_table.hpp"
#include "actors/node/control_server.hpp"

#include <atomic>
#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr duration answer_time_max = std::chrono::seconds(10);

std::string_view text_of(missed m) {
  switch (m) {
  case missed::skip: return "skip";
  case missed::once: return "once";
  case missed::all: break;
  }
  return "all";
}

bj::object describe(const records::timer_record& r) {
  const auto when = schedule::make(r.when);
  const auto i = timer_table::describe(r, when ? std::string() : when.error().what());
  bj::object o{{"id", i.id},
               {"kind", i.kind},
               {"type", to_string(r.when.type)},
               {"schedule", i.schedule},
               {"missed", text_of(i.missed)},
               {"fired", i.fired},
               {"content_type", r.content_type},
               {"size", r.payload.size()}};
  if (i.problem.empty())
    o["due_ms"] = i.due_ms;
  else
    o["problem"] = i.problem;
  return o;
}

// An agent of this node.
result<did> agent_here(node_parts& parts, const bj::object& args) {
  KITH_ASSIGN(const auto text, text_argument(args, "agent"));
  KITH_ASSIGN(auto agent, agent_reference(parts, text));
  const auto found = parts.directory.find(agent);
  if (!found)
    return fail(errc::not_found, "unknown_agent", "no agent of this cluster is " + agent.text());
  if (found->node != parts.self())
    return fail(errc::not_found, "not_here",
                "that agent lives on node " + found->node.text() + ", which has its timers");
  return agent;
}

result<bj::value> timers_of(node_parts& parts, const bj::object& args) {
  KITH_ASSIGN(const auto agent, agent_here(parts, args));
  bj::array all;
  auto from = keys::prefix(keys::timer(keys::of(agent), {}), keys::agent_prefix_size);
  const auto end = keys::end_of(from);
  for (;;) { // at most timer_table::count_max
    KITH_ASSIGN(const auto found, parts.disk->scan(store::table::state, from, end, {}));
    if (found.empty()) break;
    for (const auto& e : found) {
      KITH_ASSIGN(const auto record, records::decode_timer(e.value));
      all.push_back(describe(record));
    }
    from = found.back().key;
    from.push_back(0);
  }
  return bj::object{{"did", agent.text()}, {"timers", std::move(all)}};
}

} // namespace

void timers(node_parts& parts, const bj::object& args, control_server::reply reply) {
  reply(timers_of(parts, args));
}

void timer_cancel(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto agent = agent_here(parts, args);
  if (!agent) return reply(fail(agent.error()));
  auto id = text_argument(args, "id");
  if (!id) return reply(fail(id.error()));
  auto answered = std::make_shared<std::atomic<bool>>(false); // by whichever of the two is first
  kith::timer_cancel order{
      *id, [=](bool was) {
        if (answered->exchange(true)) return;
        if (!was)
          return reply(fail(errc::not_found, "unknown_timer", "that agent has no timer " + *id));
        reply(bj::object{{"did", agent->text()}, {"id", *id}});
      }};
  bool runs = false;
  parts.router.at(*agent, [&](const route& where) {
    runs = where.mailbox != nullptr;
    if (runs) caf::anon_send(where.mailbox, std::move(order));
  });
  if (!runs)
    return reply(
        fail(errc::unavailable, "mailbox_down", "the agent does not run; `kith tree` says why"));
  parts.reactor.after(answer_time_max, [=] {
    if (!answered->exchange(true))
      reply(fail(errc::timeout, "no_answer",
                 "the agent did not answer in time; `kith timers` says whether it still has it"));
  });
}

} // namespace kith::control
