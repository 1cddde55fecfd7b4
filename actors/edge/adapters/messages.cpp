// Sending from outside, and where a message is.
#include "actors/edge/acting.hpp"
#include "actors/edge/message_json.hpp"
#include "actors/edge/problem.hpp"
#include "actors/edge/server.hpp"
#include "actors/mailbox/keys.hpp"

namespace kith::edge {

namespace {

struct order {
  did from; // its mailbox checks the message's own signature
  ingress what;
};

// A mailbox that sleeps has left its delegation in the store.
bool speaks_for(const services& of, const did& sender) {
  const auto now = of.time.wall();
  if (of.delegations.get(sender, now)) return true;
  if (!of.router.find(sender).asleep) return false;
  const auto record = mailbox_record(of, sender);
  if (!record) return false;
  if (record->delegation.empty()) return true; // an agent, whose key this node has
  const auto given = delegation::decode(record->delegation);
  return given && given->expires > now;
}

result<order> read_call(const services& of, const call& c) {
  KITH_ASSIGN(auto wanted, read_message(c.request.body, of.payload_size_max));
  std::string from = wanted.from;
  if (from.empty()) from = c.who.rules() ? of.self.text() : c.who.who.text();
  KITH_ASSIGN(auto sender, may_act_as(of, c.who, from));
  KITH_ASSIGN(wanted.what.to, recipient(of, wanted.to));
  // A sender outside must still let this node speak for it: other nodes would not take the message.
  if (!speaks_for(of, sender))
    return fail(errc::forbidden, "delegation_expired",
                "the sender's delegation to this node has ended; renew it");
  if (of.disk_low())
    return fail(errc::overloaded, "disk_reserve", "the node's disk is almost full");
  return order{std::move(sender), std::move(wanted.what)};
}

void send(const services& of, const call& c, net::http_responder answer) {
  auto read = read_call(of, c);
  if (!read) return answer.respond(problem(read.error()));
  auto later = share(std::move(answer));
  read->what.accepted = [later](const ingress::outcome& o) {
    if (!o.problem.code.empty()) return later->respond(problem(o.problem));
    auto said = json::object();
    said.set("id", o.id.text()), said.set("duplicate", o.duplicate);
    later->respond(json_response(202, said));
  };
  if (auto handed = hand_to(of, read->from, std::move(read->what)); !handed)
    later->respond(problem(handed.error()));
}

// Whether the caller's mailbox, or one that it owns, is an end of this message here.
bool concerns(const services& of, const principal& who, const uuid& id) {
  if (who.rules()) return true;
  for (const auto& key : {keys::sent(id), keys::received(id)}) {
    auto stored = of.disk.get(store::table::ledger, key);
    if (!stored || !*stored) continue;
    auto entry = records::decode<records::ledger_entry>(**stored);
    if (!entry) continue;
    if (entry->owner == keys::of(who.who)) return true;
    auto holder = of.disk.get(store::table::state, keys::agent(entry->owner));
    if (!holder || !*holder) continue;
    auto record = records::decode<records::agent_record>(**holder);
    if (record && record->owner == who.who) return true;
  }
  return false;
}

void look(const services& of, const call& c, net::http_responder answer) {
  auto id = uuid::parse(c.param(0));
  if (!id) return answer.respond(problem(400, "a message id is a UUID", "bad_uuid"));
  auto history = concerns(of, c.who, *id) ? of.history(*id) : std::string("[]");
  auto said = json::object();
  said.set("id", id->text());
  said.set("history", json::parse(history).value_or(json::array()));
  if (said["history"].size() == 0)
    return answer.respond(
        problem(404, "this node knows no such message of yours", "unknown_message"));
  answer.respond(json_response(200, said));
}

} // namespace

void add_messages(routes& to, const context& with) {
  const auto& of = with.of;
  to.add({.method = "POST",
          .pattern = "/api/messages",
          .name = "sendMessage",
          .needs = need::known,
          .summary = "Sends a message. 202 once it is journaled and synced here",
          .body_schema = "Send",
          .outcomes = {{202, "accepted; it will not be lost", "application/json", "Accepted"},
                       {400, "not a message"},
                       {401, "not signed, or wrongly"},
                       {403, "the signer may not send as this sender, or not from here any more"},
                       {404, "no such sender or recipient here"},
                       {409, "the id belongs to another message, or the name to several agents"},
                       {413, "the payload is too large"},
                       {429, "too often, or too much waits"},
                       {503, "the node is starting or stopping"}},
          .run = [&of](call c, net::http_responder answer) { send(of, c, std::move(answer)); }});
  to.add({.method = "GET",
          .pattern = "/api/messages/{id}",
          .name = "whereIsMessage",
          .needs = need::known,
          .summary = "What this node's ledger knows of a message of the caller's",
          .outcomes = {{200, "what became of it here", "application/json", "History"},
                       {400, "not a UUID"},
                       {401, "not signed, or wrongly"},
                       {404, "no such message"},
                       {429, "too often"}},
          .run = [&of](call c, net::http_responder answer) { look(of, c, std::move(answer)); }});
}

} // namespace kith::edge
