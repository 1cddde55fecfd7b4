// The agents of a node: how one comes into the store, back from it, and under its supervisor.
#include "actors/agent/registry.hpp"
#include "actors/mailbox/burial.hpp"
#include "actors/node/parts.hpp"
#include "actors/node/sleepers.hpp"
#include "runtime/config/edit_distance.hpp"
#include "runtime/store/each.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace kith {

namespace {

constexpr std::string_view system_type = "kith.node";
constexpr std::string_view system_prefix = "kith.";

struct spawn_order {
  std::string type;
  std::string name;
  std::optional<did> owner;
  std::optional<std::string> under;
  std::optional<std::string> restart;
};
KITH_DESCRIBE(spawn_order, type, name, owner, under, restart);

struct own_order {
  std::string owner; // empty: nobody
};
KITH_DESCRIBE(own_order, owner);

// Why there is no agent of such a type, with the type that was probably meant.
std::string unknown_type(std::string_view type) {
  static constexpr std::size_t compared_size_max = 100;
  auto known = agent_types::names();
  std::erase_if(known, [](const auto& n) { return n.starts_with(system_prefix); });
  auto nearest = std::ranges::min_element(known, {}, [&](const auto& n) {
    return config::edit_distance(type.substr(0, compared_size_max), n);
  });
  std::string said = "this node's program has no agent type " + std::string(type);
  return nearest == known.end() ? said
                                : said + "; the nearest that it has is " + std::string(*nearest);
}

// The agent whose DID is the node's: makes agents for others, and sends for those who are no
// agents. What it does itself is in system_turn_of.
struct node_agent : agent {
  using agent::agent;
  void setup() override {}
};
KITH_AGENT_AS(node_agent, "kith.node");

template <class Order> result<Order> order_in(const message& m) {
  Order order;
  decode_error why;
  if (!m.read(order, why))
    return fail(errc::invalid, "", std::string(m.kind()) + ": " + why.text());
  return order;
}

// Only nodes' own agents send for an operator. An agent, or who acts as one, is no operator.
result<void> must_be_operator(const node_parts& parts, const message& m) {
  if (m.from() == parts.self() || parts.peers.find(m.from())) return {};
  return fail(errc::forbidden, "", "only the operator says who an agent's owner is");
}

result<system_turn> spawn_turn(node_parts& parts, const message& m) {
  KITH_ASSIGN(auto order, order_in<spawn_order>(m));
  const auto known = agent_types::names();
  if (order.type.starts_with(system_prefix) || std::ranges::count(known, order.type) == 0)
    return fail(errc::not_found, "", unknown_type(order.type));
  if (order.owner) KITH_TRY(must_be_operator(parts, m));
  auto under = order.under.value_or("");
  if (!under.empty() && supervisor_types::find(under) == nullptr)
    return fail(errc::not_found, "", std::string(no_supervisor) + under);
  const auto again = parse_restart(order.restart.value_or("transient"));
  if (!again)
    return fail(errc::invalid, "",
                "restart is permanent, transient or temporary, not " + *order.restart);
  auto key = secret_key::generate(parts.random);
  const auto self = key.did();
  return system_turn{{text_type, self.text()},
                     newborn{self, std::move(key), order.type, order.name,
                             order.owner.value_or(did()), std::move(under), *again}};
}

result<system_turn> own_turn(node_parts& parts, const message& m) {
  KITH_TRY(must_be_operator(parts, m));
  KITH_ASSIGN(const auto order, order_in<own_order>(m));
  system_turn turn{{text_type, ""}, {}, did()};
  if (!order.owner.empty()) {
    KITH_ASSIGN(turn.owner, did::parse(order.owner));
  }
  return turn;
}

// What this node does for `who`, an agent of it, with a message that its class never sees.
std::optional<result<system_turn>> system_turn_of(node_parts& parts, const did& who,
                                                  const message& m) {
  if (who != parts.self())
    return m.kind() == "kith.own" ? std::optional(own_turn(parts, m)) : std::nullopt;
  if (m.kind() == "kith.spawn") return spawn_turn(parts, m);
  if (m.kind() != "kith.where") return node_message(parts, m);
  const auto id = uuid::parse(m.text());
  if (!id) return fail(id.error());
  return system_turn{{json_type, where_here(parts, *id)}};
}

observe::level observed(log_level l) {
  switch (l) {
  case log_level::debug: return observe::level::debug;
  case log_level::info: return observe::level::info;
  case log_level::warn: return observe::level::warn;
  case log_level::error: break;
  }
  return observe::level::error;
}

wire::directory::entry directory_entry(const tenant& who) {
  wire::directory::entry e;
  e.agent = who.self;
  e.type = who.type;
  e.name = who.name;
  e.epoch = who.epoch;
  return e;
}

void announce(node_parts& parts, const wire::directory::entry& e) {
  for (const auto& [node, status] : parts.peers.all())
    if (auto link = parts.router.link_of(node).actor) caf::anon_send(link, directory_change{{e}});
}

result<void> bear(node_parts& parts, newborn n, mailbox_step& step) {
  if (parts.directory.count(parts.self()) >=
      std::size_t(parts.options.settings.integer("actors.agents_max")))
    return fail(errc::overloaded, "too_many_agents",
                "this node holds as many agents as actors.agents_max allows");
  records::agent_record r;
  r.agent = n.self;
  r.type = n.type;
  r.name = n.name;
  r.epoch = 1;
  r.incarnation = make_incarnation(parts.random);
  r.created = parts.time.wall();
  r.sealed_key = parts.keys->seal_agent_key(n.key, parts.random);
  r.home = parts.self();
  r.owner = n.owner;
  r.supervisor = n.under;
  r.restart = std::uint8_t(n.restart);
  r.order = ++parts.births;
  step.batch.put(store::table::state, keys::agent(keys::of(n.self)), records::encode(r));
  step.batch.raise_epoch(n.self, r.epoch);
  parts.router.add_local(n.self);
  tenant who{n.self, r.epoch, r.incarnation, std::make_shared<const secret_key>(std::move(n.key)),
             n.type, n.name};
  who.owner = n.owner;
  who.supervisor = n.under;
  who.restart = n.restart;
  who.order = r.order;
  step.released.push_back([&parts, who] {
    // Known by its name before whoever asked for it hears that it is there; what it takes is added
    // when it is up.
    parts.directory.put(parts.self(), directory_entry(who));
    if (auto above = supervisor_of(parts, who.supervisor))
      caf::anon_send(above, agent_child(parts, who));
  });
  return {};
}

// `owner` is there if it changed in this life of the mailbox: the store may not have it yet.
result<void> retire(node_parts& parts, const did& id, const std::optional<did>& owner,
                    mailbox_step& step) {
  auto key = keys::agent(keys::of(id));
  KITH_ASSIGN(auto stored, parts.disk->get(store::table::state, key));
  if (!stored) return fail(errc::unsupported, "not_stored", "the node's own agent does not end");
  KITH_ASSIGN(auto r, records::decode<records::agent_record>(*stored));
  if (r.restart == std::uint8_t(restart::permanent)) return {}; // its supervisor starts it again
  r.stopped = true;
  if (owner) r.owner = *owner;
  step.batch.put(store::table::state, key, records::encode(r));
  return {};
}

// A temporary agent that crashed, or was stopped with its siblings, does not come back.
void bury(node_parts& parts, const did& id) {
  auto buried = [&]() -> result<void> {
    store::write_batch batch;
    KITH_TRY(end_for_good(*parts.disk, id, batch));
    if (batch.empty()) return {};
    KITH_ASSIGN(auto position, parts.journal->submit(std::move(batch), {}));
    (void)position;
    return {};
  }();
  if (!buried) parts.log.error("the end of a temporary agent is not stored", buried.error());
}

result<did> resolve_node(node_parts& parts, std::string_view node) {
  if (auto parsed = did::parse(node)) return *parsed;
  if (node == parts.name) return parts.self();
  auto found = parts.peers.named(node);
  if (found.empty())
    return fail(errc::not_found, "unknown_node", "no node is named " + std::string(node));
  return found;
}

} // namespace

mailbox::environment environment_for(node_parts& parts, const tenant& who,
                                     std::shared_ptr<const actor_gate> gate) {
  auto owner = std::make_shared<std::optional<did>>(); // shared by two of one mailbox's callbacks
  mailbox::environment env{
      parts.time,
      parts.random,
      *parts.disk,
      [&parts](const did& d) { return parts.router.is_local(d); },
      [&parts](const stream_key& s) { return parts.router.flow(s); },
      parts.self(),
      [&parts](std::string_view n) { return resolve_node(parts, n); },
      [&parts](newborn n, mailbox_step& s) { return bear(parts, std::move(n), s); },
      [&parts, id = who.self, owner](mailbox_step& s) { return retire(parts, id, *owner, s); },
      [log = parts.log.component("agent"), id = who.self.text()](log_level l,
                                                                 std::string_view text) {
        log.say(observed(l), text, {{"agent", id}});
      },
      {},
      [&parts](const did& mailbox, sequence) { parts.hub.note(mailbox); },
      [&parts, id = who.self](const did& watched, bool on) { watch(parts, id, watched, on); },
      {},
      parts.boot_epoch > 1};
  env.series = parts.meters.of_type(who.type);
  env.meter = std::make_shared<agent_meter>(std::move(gate));
  parts.meters.agents.add(who.self, who.type, who.name, env.meter);
  if (who.outside()) return env;
  if (parts.on_stale_write)
    env.stale_write = [&parts, id = who.self, type = who.type](std::string_view cell,
                                                               std::string_view handler) {
      parts.on_stale_write({id, type, std::string(cell), std::string(handler)});
    };
  if (!agent_types::blocks(who.type)) { // those are on their own
    env.turns = std::make_shared<turn_watch>(parts.time);
    parts.dog.add(who.self, who.type, env.turns);
  }
  env.system = [&parts, id = who.self, owner](const message& m) {
    auto turn = system_turn_of(parts, id, m);
    if (turn && *turn && (*turn)->owner) *owner = (*turn)->owner;
    return turn;
  };
  return env;
}

std::string child_name(const tenant& who) {
  return who.name.empty() ? who.self.text() : who.name + " " + who.self.text();
}

namespace {

// `woken`: nobody had noticed that it was away.
mailbox_ports ports_for(node_parts& parts, const tenant& who, bool woken) {
  mailbox_ports ports{*parts.journal,
                      parts.router,
                      *parts.delegations,
                      parts.log.component("mailbox"),
                      [&parts, who, woken](const mailbox_report& r) {
                        parts.watches.came_up(who.self);
                        auto e = directory_entry(who);
                        for (const auto& [kind, about] : r.advertised)
                          e.advertised.push_back({kind, about});
                        const auto known = parts.directory.find(who.self);
                        parts.directory.put(parts.self(), e);
                        if (!woken || !known || known->agent != e) announce(parts, e);
                      },
                      [&parts, who](const down& what, const std::string& culprit) {
                        agent_ended(parts, who, what, culprit);
                      }};
  if (may_sleep(parts, who.self, who.type)) {
    ports.sleep_after = parts.options.settings.milliseconds("actors.sleep_after_ms");
    ports.asleep = [&parts, who](caf::actor mailbox, std::optional<time_point> wake) {
      fell_asleep(parts, who, std::move(mailbox), wake);
    };
  }
  return ports;
}

} // namespace

caf::actor start_mailbox(node_parts& parts, caf::actor_system& system, const tenant& who,
                         std::shared_ptr<actor_gate> gate, caf::actor above, bool unclean) {
  const bool woken = above != nullptr;
  auto ports = ports_for(parts, who, woken);
  ports.gate = std::move(gate);
  ports.above = std::move(above);
  auto env = environment_for(parts, who, ports.gate);
  const bool alone = parts.threads && agent_types::blocks(who.type);
  if (alone) // a thread of its own, so that it holds up nobody else
    return system.spawn<mailbox_actor, caf::detached>(who, parts.limits, std::move(env),
                                                      std::move(ports), unclean);
  return system.spawn<mailbox_actor>(who, parts.limits, std::move(env), std::move(ports), unclean);
}

child_spec agent_child(node_parts& parts, tenant who) {
  child_spec spec;
  spec.name = child_name(who);
  spec.kind = "mailbox of " + who.type;
  spec.start = [&parts, who](caf::actor_system& system) {
    return start_mailbox(parts, system, who, std::make_shared<actor_gate>(), nullptr,
                         parts.unclean);
  };
  spec.restart = who.restart;
  spec.order = 2 + who.order; // behind supervisors
  spec.gave_up = [&parts, id = who.self,
                  once = who.restart == restart::temporary](const std::string&) {
    parts.router.set_mailbox(id, {}, nullptr);
    if (once) bury(parts, id);
  };
  return spec;
}

result<tenant> tenant_of(node_parts& parts, const records::agent_record& r) {
  tenant t{r.agent, r.epoch, r.incarnation, nullptr, r.type, r.name};
  t.owner = r.owner;
  t.supervisor = r.supervisor;
  t.restart = (enum restart)(r.restart);
  t.order = r.order;
  if (!r.delegation.empty()) {
    KITH_ASSIGN(t.spoken_for, delegation::decode(r.delegation));
    return t;
  }
  KITH_ASSIGN(auto key, parts.keys->open_agent_key(r.sealed_key));
  if (key.did() != r.agent)
    return fail(errc::corrupt, "bad_agent_key",
                "the stored key of " + r.agent.text() + " is another agent's");
  t.key = std::make_shared<const secret_key>(std::move(key));
  return t;
}

result<void> each_agent(node_parts& parts,
                        const std::function<result<void>(const records::agent_record&)>& visit) {
  const auto from = keys::agents_begin();
  return store::each(*parts.disk, store::table::state, from, keys::end_of(from),
                     [&](const store::entry& e) -> result<void> {
                       KITH_ASSIGN(auto r, records::decode<records::agent_record>(e.value));
                       if (!r.stopped) KITH_TRY(visit(r));
                       return {};
                     });
}

namespace {

result<bool> starts_asleep(node_parts& parts, const records::agent_record& r,
                           const std::set<keys::agent_key>& busy) {
  const auto key = keys::of(r.agent);
  if (!may_sleep(parts, r.agent, r.type) || busy.count(key) != 0) return false;
  // One that watches others is to hear of who is away now.
  KITH_ASSIGN(const auto watches,
              parts.disk->get(store::table::state, keys::cell(key, watches_cell)));
  return !watches;
}

} // namespace

result<void> know_agents(node_parts& parts) {
  KITH_ASSIGN(const auto busy, busy_agents(parts));
  return each_agent(parts, [&](const records::agent_record& r) -> result<void> {
    if (parts.router.find(r.agent).asleep) return {}; // the branch is started again
    KITH_ASSIGN(const auto asleep, starts_asleep(parts, r, busy));
    if (asleep) {
      parts.directory.sleeps(keys::of(r.agent), {r.agent, r.type, r.name});
      if (parts.unclean) parts.unwoken.insert(keys::of(r.agent)); // none can be woken yet
      parts.router.put_to_sleep(r.agent);
    } else {
      parts.journal->load_epoch(r.agent, r.epoch);
      parts.router.add_local(r.agent);
    }
    if (parts.births < r.order) parts.births = r.order; // no agent is born yet
    if (!r.supervisor.empty() && supervisor_types::find(r.supervisor) == nullptr)
      parts.log.error("this program does not declare an agent's supervisor; it runs under the node",
                      {{"agent", r.agent.text()}, {"supervisor", r.supervisor}});
    return {};
  });
}

result<std::vector<child_spec>> stored_agents(node_parts& parts, const std::string& under) {
  std::vector<child_spec> out;
  KITH_TRY(each_agent(parts, [&](const records::agent_record& r) -> result<void> {
    const bool declared = supervisor_types::find(r.supervisor) != nullptr;
    if ((declared ? r.supervisor : std::string()) != under) return {};
    if (parts.router.find(r.agent).asleep) return {};
    KITH_ASSIGN(auto t, tenant_of(parts, r));
    out.push_back(agent_child(parts, std::move(t)));
    return {};
  }));
  return out;
}

} // namespace kith
