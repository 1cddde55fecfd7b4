// The verb `inbox`: what waits here for a DID that lives outside of any node. Looking takes nothing
// out: only its owner says what it has.
#include "actors/mailbox/keys.hpp"
#include "actors/node/control_server.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr std::size_t page_max = 1000;          // messages of one answer; the asker comes again
constexpr std::size_t page_bytes_max = 4 << 20; // and their bytes, but for the last

std::string_view status_text(answer_status s) {
  switch (s) {
  case answer_status::ok: return "ok";
  case answer_status::refused: return "refused";
  case answer_status::expired: return "expired";
  case answer_status::dead: return "dead";
  case answer_status::none: break;
  }
  return {};
}

bj::object describe(const envelope& e, sequence position) {
  bj::object o;
  o["position"] = position;
  o["id"] = e.id().text();
  o["from"] = e.from();
  o["kind"] = e.kind();
  o["created_ms"] = e.created();
  o["wants_answer"] = e.wants_answer();
  if (!e.correlation().is_nil()) o["in_reply_to"] = e.correlation().text();
  if (const auto said = status_text(e.status()); !said.empty()) o["status"] = said;
  if (!e.replay_of().is_nil()) o["replay_of"] = e.replay_of().text();
  if (e.qos() != qos::exactly_once) o["qos"] = unsigned(e.qos());
  put_payload(o, e.content_type(), as_text(e.payload()));
  return o;
}

result<did> outside_mailbox(node_parts& parts, const bj::object& args) {
  KITH_ASSIGN(const auto text, text_argument(args, "who"));
  KITH_ASSIGN(auto who, agent_reference(parts, text));
  KITH_ASSIGN(const auto stored, parts.disk->get(store::table::state, keys::agent(keys::of(who))));
  if (!stored)
    return fail(errc::not_found, "unknown_mailbox", "this node has no mailbox of " + who.text());
  KITH_ASSIGN(const auto record, records::decode<records::agent_record>(*stored));
  if (record.delegation.empty())
    return fail(errc::conflict, "not_outside",
                who.text() + " is an agent, which takes its messages itself");
  return who;
}

result<bj::value> page(node_parts& parts, const bj::object& args) {
  KITH_ASSIGN(const auto who, outside_mailbox(parts, args));
  KITH_ASSIGN(const auto after, optional_number(args, "after", 0));
  KITH_ASSIGN(const auto limit, optional_number(args, "limit", std::int64_t(page_max)));
  const auto key = keys::of(who);
  records::pending_state state;
  KITH_ASSIGN(const auto stored, parts.disk->get(store::table::state, keys::pending_state(key)));
  if (stored) {
    KITH_ASSIGN(state, records::decode<records::pending_state>(*stored));
  }
  bj::array messages;
  const auto from = keys::pending(key, std::max<sequence>(sequence(after), state.acked) + 1);
  const auto end = keys::end_of(keys::prefix(from, keys::queue_prefix_size));
  const auto count = std::min<std::size_t>(std::size_t(limit), page_max);
  if (count > 0) {
    KITH_ASSIGN(const auto found,
                parts.disk->scan(store::table::queue, from, end, {count, page_bytes_max}));
    for (const auto& e : found) {
      KITH_ASSIGN(const auto parsed, envelope::parse(e.value));
      messages.push_back(describe(parsed, keys::queue_seq(e.key)));
    }
  }
  bj::object o;
  o["did"] = who.text();
  o["messages"] = std::move(messages);
  o["newest"] = state.next - 1;
  o["acked"] = state.acked;
  return o;
}

} // namespace

void inbox(node_parts& parts, const bj::object& args, control_server::reply reply) {
  reply(page(parts, args));
}

} // namespace kith::control
