#include "actors/edge/histories.hpp"

#include "actors/mailbox/keys.hpp"
#include "protocols/did/did_key.hpp"
#include "protocols/did/did_web.hpp"
#include "runtime/net/network.hpp"

namespace kith::edge {

namespace {

constexpr std::string_view agents_part = ":agents:";

error other_key(const char* code, const std::string& whose, const did& key,
                const dids::key_history& given) {
  return {errc::conflict, code,
          "the last record leads to " + dids::key_did(given.current()).text() +
              ", and the key of " + whose + " is " + key.text()};
}

// The key that `given` must lead to, where somebody here has one.
result<void> check_key(const web_place& at, const dids::key_history& given) {
  const auto& subject = given.subject();
  KITH_ASSIGN(const auto node, web_identity(at.public_url));
  if (subject == node) {
    if (given.current().ed25519() == at.node.ed25519()) return {};
    return fail(other_key("node_key", "this node", at.node, given));
  }
  const auto stem = node.text() + std::string(agents_part);
  const auto name = subject.text().starts_with(stem) ? subject.text().substr(stem.size()) : "";
  if (name.empty() || web_identity(at.public_url, name) != subject)
    return fail(errc::invalid, "not_served",
                "this node serves " + node.text() + " and " + stem + "NAME, and not " +
                    subject.text());
  for (const auto& l : at.agents.named(name))
    if (l.node == at.node && l.agent.agent.ed25519() != given.current().ed25519())
      return fail(other_key("agent_key", "the agent " + name, l.agent.agent, given));
  return {};
}

} // namespace

result<did> web_identity(std::string_view public_url, std::string_view name) {
  auto rest = public_url;
  if (auto scheme = rest.find("://"); scheme != rest.npos) rest.remove_prefix(scheme + 3);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  KITH_ASSIGN(const auto at,
              net::parse_address(std::string(rest) + (rest.find(':') == rest.npos ? ":443" : "")));
  const auto port = at.port == 443 ? std::uint16_t(0) : at.port;
  return name.empty() ? dids::web_node_did(at.host, port)
                      : dids::web_agent_did(at.host, port, name);
}

result<void> history_book::load(store::backend& disk) {
  auto from = keys::histories_begin();
  const auto end = keys::end_of(from);
  for (;;) {
    KITH_ASSIGN(const auto found, disk.scan(store::table::state, from, end, {}));
    if (found.empty()) return {};
    for (const auto& e : found) {
      auto history = dids::key_history::decode(e.value);
      if (!history)
        return fail(errc::corrupt, history.error().code,
                    "a stored key history: " + history.error().context);
      put(std::move(*history));
    }
    from = found.back().key;
    from.push_back(0);
  }
}

std::shared_ptr<const dids::key_history> history_book::find(const did& subject) const {
  std::lock_guard lock(mutex_);
  const auto found = histories_.find(subject);
  return found == histories_.end() ? nullptr : found->second;
}

result<bool> history_book::admits(const web_place& at, const dids::key_history& given,
                                  wall_ms now) const {
  if (!web_identity(at.public_url))
    return fail(errc::invalid, "no_web_name",
                "this node has no name on the web: set edge.public_url to a domain name");
  KITH_TRY(check_key(at, given));
  // The document names the last key as the one that acts now.
  if (given.records().back().valid_from > now)
    return fail(errc::invalid, "not_yet", "its last key is valid from later on only");
  std::lock_guard lock(mutex_);
  if (const auto found = histories_.find(given.subject()); found != histories_.end()) {
    auto both = *found->second;
    KITH_TRY(both.extend(given));
    return both != *found->second;
  }
  if (histories_.size() >= count_max)
    return fail(errc::overloaded, "too_many_histories",
                "this node serves as many key histories as it may");
  return true;
}

void history_book::put(dids::key_history h) {
  auto subject = h.subject();
  auto shared = std::make_shared<const dids::key_history>(std::move(h));
  std::lock_guard lock(mutex_);
  histories_[std::move(subject)] = std::move(shared);
}

void history_book::erase(const did& subject) {
  std::lock_guard lock(mutex_);
  histories_.erase(subject);
}

} // namespace kith::edge
