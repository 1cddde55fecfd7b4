// The verbs of the control socket about handlers that await something: which there are on this
// node, and the end of one.
#include "actors/node/gathering.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr std::int64_t shown_max = 1000;

bool has_handlers(node_parts& parts, const did& agent) {
  const auto from = keys::prefix(keys::handler(keys::of(agent), {}), keys::agent_prefix_size);
  auto found = parts.disk->scan(store::table::state, from, keys::end_of(from), {1, 1});
  return !found || !found->empty(); // unreadable: its mailbox says so
}

// Every agent of this node that runs, or has handlers that wait, or that one.
std::vector<std::pair<agent_directory::listing, caf::actor>> agents_here(node_parts& parts,
                                                                         const did& only) {
  std::vector<std::pair<agent_directory::listing, caf::actor>> out;
  for (auto& l : parts.directory.all()) {
    if (l.node != parts.self() || (!only.empty() && l.agent.agent != only)) continue;
    const auto agent = l.agent.agent;
    // One that sleeps is woken if there is something to show, and asked.
    const auto asleep = parts.router.find(agent).asleep;
    if (asleep && !has_handlers(parts, agent)) continue;
    parts.router.at(agent, [&](const route& where) {
      if (where.mailbox) out.emplace_back(std::move(l), where.mailbox);
    });
  }
  return out;
}

bj::object described(const agent_directory::listing& l, const handler_report& r) {
  bj::array awaits;
  for (const auto& s : r.awaits) {
    bj::object o{{"what", s.what}};
    if (s.due != 0) o["due_ms"] = s.due;
    awaits.push_back(std::move(o));
  }
  bj::object o{{"id", r.message.text()},   {"agent", l.agent.agent.text()},
               {"name", l.agent.name},     {"type", l.agent.type},
               {"kind", r.kind},           {"from", r.from.text()},
               {"started_ms", r.started},  {"segments", r.segments},
               {"journal_bytes", r.bytes}, {"attempts", r.attempts},
               {"in_memory", r.in_memory}, {"awaits", std::move(awaits)}};
  if (r.expires != 0) o["cancelled_at_ms"] = r.expires;
  return o;
}

bj::array flattened(const bj::array& lists) {
  bj::array flat;
  for (const auto& list : lists)
    for (const auto& entry : list.as_array()) flat.push_back(entry);
  std::stable_sort(flat.begin(), flat.end(), [](const bj::value& a, const bj::value& b) {
    return a.as_object().at("started_ms").as_int64() < b.as_object().at("started_ms").as_int64();
  });
  return flat;
}

result<uuid> message_argument(const bj::object& args) {
  KITH_ASSIGN(const auto text, text_argument(args, "id"));
  auto id = uuid::parse(text);
  if (!id)
    return fail(errc::invalid, "bad_uuid",
                "a handler is named by the id of the message that began it, a UUID");
  return *id;
}

} // namespace

void handlers(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto agent = optional_text(args, "agent");
  if (!agent) return reply(fail(agent.error()));
  auto limit = optional_number(args, "limit", shown_max);
  if (!limit) return reply(fail(limit.error()));
  if (*limit < 1 || *limit > shown_max)
    return reply(fail(errc::invalid, "bad_argument", "the limit is 1 to 1000"));
  std::optional<uuid> wanted;
  if (args.if_contains("id") != nullptr) {
    auto id = message_argument(args);
    if (!id) return reply(fail(id.error()));
    wanted = *id;
  }
  did only;
  if (!agent->empty()) {
    auto id = agent_reference(parts, *agent);
    if (!id) return reply(fail(id.error()));
    only = std::move(*id);
  }
  auto asked = agents_here(parts, only);
  auto gather = std::make_shared<gathering>(
      [reply = std::move(reply), limit = std::size_t(*limit)](bj::array all) {
        auto flat = flattened(all);
        if (flat.size() > limit) flat.resize(limit);
        reply(std::move(flat));
      });
  gather->expect(asked.size());
  for (auto& [l, mailbox] : asked) {
    handlers_inquiry q{wanted, std::size_t(*limit), {}};
    q.reply = [gather, l = l, &parts](result<std::vector<handler_report>> found) {
      if (!found) {
        parts.log.error("the handlers of " + l.agent.agent.text() +
                        " cannot be read: " + found.error().what());
        return gather->none();
      }
      bj::array out;
      for (const auto& r : *found) out.push_back(described(l, r));
      gather->one(std::move(out));
    };
    caf::anon_send(mailbox, std::move(q));
  }
  parts.reactor.after(gathering::time_max, [gather] { gather->give_up(); });
}

void handler_cancel(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto id = message_argument(args);
  if (!id) return reply(fail(id.error()));
  auto reason = optional_text(args, "reason");
  if (!reason) return reply(fail(reason.error()));
  if (reason->empty()) *reason = "cancelled by an operator";
  auto asked = agents_here(parts, did());
  auto gather =
      std::make_shared<gathering>([reply = std::move(reply), id = *id](const bj::array& found) {
        if (!found.empty()) return reply(bj::object{{"id", id.text()}, {"agent", found.front()}});
        reply(fail(errc::not_found, "unknown_handler",
                   "no handler that waits on this node began with message " + id.text()));
      });
  gather->expect(asked.size());
  for (auto& [l, mailbox] : asked) {
    kith::handler_cancel order{*id, *reason, {}};
    order.reply = [gather, agent = l.agent.agent.text()](result<bool> done) {
      if (done && *done)
        gather->one(bj::value(agent));
      else
        gather->none();
    };
    caf::anon_send(mailbox, std::move(order));
  }
  parts.reactor.after(gathering::time_max, [gather] { gather->give_up(); });
}

} // namespace kith::control
