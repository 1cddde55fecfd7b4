// Whom a caller may act as, and where what it sends goes in.
#pragma once

#include "actors/base/messages.hpp"
#include "actors/edge/routes.hpp"
#include "actors/edge/services.hpp"
#include "runtime/stream/records.hpp"

namespace kith::edge {

// What the store knows of a DID whose mailbox is here: not_found "unknown_mailbox".
result<records::agent_record> mailbox_record(const services& of, const did& who);

// The operator may act as every mailbox here, a DID as itself if its mailbox is here, and as the
// agents that it owns: forbidden "not_yours", not_found "unknown_mailbox".
result<did> may_act_as(const services& of, const principal& who, std::string_view whom);

// A DID, or the name of one agent of the cluster: malformed "bad_did", not_found "unknown_agent",
// conflict "ambiguous_name".
result<did> recipient(const services& of, const std::string& text);

error mailbox_down();
// To a mailbox here, which is woken for it; unavailable "mailbox_down".
template <class Message> result<void> hand_to(const services& of, const did& mailbox, Message m) {
  bool taken = false;
  of.router.at(mailbox, [&](const kith::route& where) {
    taken = where.where == kith::route::kind::local && where.mailbox;
    if (taken) caf::anon_send(where.mailbox, std::move(m));
  });
  if (!taken) return fail(mailbox_down());
  return {};
}

// For callbacks that must be copyable; the first use answers.
using shared_responder = std::shared_ptr<net::http_responder>;
inline shared_responder share(net::http_responder r) {
  return std::make_shared<net::http_responder>(std::move(r));
}

} // namespace kith::edge
