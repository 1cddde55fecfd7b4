// Mailboxes of DIDs that live outside of any node: how one comes into the store, and under the
// supervisor of agents.
#include "actors/node/parts.hpp"

namespace kith {

namespace {

constexpr std::string_view outside_type = "kith.mailbox";
constexpr wall_ms lifetime_ms_max = 400LL * 24 * 3600 * 1000; // of a delegation from outside

using opened = std::function<void(result<edge::mailbox_status>)>;

edge::mailbox_status status_of(const delegation& d, bool created) {
  return {d.agent, d.epoch, d.expires, created};
}

// What the store is to hold; nothing if it holds that already.
result<std::optional<records::agent_record>> wanted_record(node_parts& parts, const delegation& d) {
  if (d.node != parts.self())
    return fail(errc::invalid, "wrong_node", "the delegation names another node");
  auto now = parts.time.wall();
  if (d.expires <= now || d.expires > now + lifetime_ms_max)
    return fail(errc::invalid, "delegation_expired",
                "the delegation must end in the future, at most 400 days from now");
  KITH_ASSIGN(auto stored, parts.disk->get(store::table::state, keys::agent(keys::of(d.agent))));
  if (stored) {
    KITH_ASSIGN(auto r, records::decode<records::agent_record>(*stored));
    if (r.delegation.empty())
      return fail(errc::conflict, "not_outside", d.agent.text() + " is an agent of this node");
    if (r.epoch != d.epoch)
      return fail(errc::conflict, "epoch_differs",
                  "the mailbox was set up at epoch " + std::to_string(r.epoch) +
                      "; renew it at the same");
    KITH_ASSIGN(auto before, delegation::decode(r.delegation));
    if (before.expires >= d.expires) return std::nullopt;
    r.delegation = d.encode();
    return r;
  }
  if (parts.router.find(d.agent).where == route::kind::remote)
    return fail(errc::conflict, "lives_elsewhere",
                "another node of this cluster has this DID's mailbox");
  if (parts.directory.count(parts.self()) >=
      std::size_t(parts.options.settings.integer("actors.agents_max")))
    return fail(errc::overloaded, "too_many_agents",
                "this node holds as many agents as actors.agents_max allows");
  records::agent_record r;
  r.agent = d.agent;
  r.type = outside_type;
  r.epoch = d.epoch;
  r.incarnation = make_incarnation(parts.random);
  r.created = now;
  r.home = parts.self();
  r.delegation = d.encode();
  return r;
}

void start(node_parts& parts, const records::agent_record& r) {
  auto who = tenant_of(parts, r);
  if (!who) return parts.log.error("mailbox not started", who.error());
  parts.router.add_local(r.agent);
  caf::actor agents;
  {
    std::lock_guard lock(parts.mutex);
    agents = parts.agents;
  }
  if (agents) caf::anon_send(agents, agent_child(parts, std::move(*who)));
}

} // namespace

void open_mailbox(node_parts& parts, delegation d, opened done) {
  {
    std::lock_guard lock(parts.mutex);
    if (!parts.opening.insert(d.agent).second)
      return done(fail(errc::conflict, "being_opened", "this mailbox is just being set up"));
  }
  auto finish = [&parts, agent = d.agent, done](result<edge::mailbox_status> r) {
    {
      std::lock_guard lock(parts.mutex);
      parts.opening.erase(agent);
    }
    done(std::move(r));
  };
  auto record = wanted_record(parts, d);
  if (!record) return finish(fail(record.error()));
  if (!*record) return finish(status_of(d, false));
  bool created = !parts.router.is_local(d.agent);
  if (!created) parts.journal->load_epoch(d.agent, (*record)->epoch); // it may sleep
  store::write_batch batch;
  batch.put(store::table::state, keys::agent(keys::of(d.agent)), records::encode(**record));
  if (created)
    batch.raise_epoch(d.agent, d.epoch);
  else
    batch.require_epoch(d.agent, d.epoch);
  auto submitted = parts.journal->submit(
      std::move(batch),
      [&parts, finish, d, created, r = std::move(**record)](const result<journal_position>& at) {
        if (!at) return finish(fail(at.error()));
        if (created)
          start(parts, r);
        else
          parts.delegations->add(d);
        finish(status_of(d, created));
      });
  if (!submitted) finish(fail(submitted.error()));
}

} // namespace kith
