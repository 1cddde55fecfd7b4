#include "actors/edge/acting.hpp"

#include "actors/mailbox/keys.hpp"

namespace kith::edge {

namespace {

error no_mailbox(const did& who) {
  return {errc::not_found, "unknown_mailbox",
          "this node has no mailbox of " + who.text() + "; register it first"};
}

} // namespace

result<records::agent_record> mailbox_record(const services& of, const did& who) {
  KITH_ASSIGN(auto stored, of.disk.get(store::table::state, keys::agent(keys::of(who))));
  if (!stored) return fail(no_mailbox(who));
  return records::decode<records::agent_record>(*stored);
}

result<did> may_act_as(const services& of, const principal& who, std::string_view whom) {
  KITH_ASSIGN(auto wanted, did::parse(whom));
  if (who.is == principal::kind::signer && who.who != wanted) {
    auto record = mailbox_record(of, wanted);
    // Whether there is such a mailbox is not told to those whom it does not concern.
    if (!record || record->owner != who.who)
      return fail(errc::forbidden, "not_yours", "the signer may not act as " + wanted.text());
    return wanted;
  }
  if (!who.known()) return fail(errc::unauthenticated, "signature_missing", "who are you?");
  if (!of.router.is_local(wanted)) return fail(no_mailbox(wanted));
  return wanted;
}

error mailbox_down() {
  return {errc::unavailable, "mailbox_down",
          "the mailbox is being started or stopped; try again in a moment"};
}

result<did> recipient(const services& of, const std::string& text) {
  if (text.starts_with("did:")) return did::parse(text);
  auto found = of.directory.named(text);
  if (found.empty()) return fail(errc::not_found, "unknown_agent", "no agent has this name");
  if (found.size() > 1)
    return fail(errc::conflict, "ambiguous_name", "several agents have this name; use a DID");
  return found.front().agent.agent;
}

} // namespace kith::edge
