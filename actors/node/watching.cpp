// Agents that watch others. What is local is seen here; for what lives elsewhere the node's own
// agent asks that node's ("kith.watch"), which tells ("kith.down"), and both are asked anew
// whenever the two are connected again. A link that breaks makes all behind it unreachable.
#include "actors/node/control_server.hpp"

#include <boost/json.hpp>
#include <kith/describe.hpp>

namespace kith {

namespace {

struct watch_order {
  std::string agent;
  bool sure = false; // the asker knows that it lives there, and wants to hear if it does not
};
KITH_DESCRIBE(watch_order, agent, sure);

struct down_report {
  std::string agent;
  std::string reason;
  std::string why;
};
KITH_DESCRIBE(down_report, agent, reason, why);

constexpr std::size_t why_size_max = 1024;

template <class T>
void tell_node(node_parts& parts, const did& node, std::string_view kind, const T& v) {
  ingress in;
  in.to = node;
  in.kind = kind;
  auto value = encode(v);
  in.content_type = std::string(value.content_type);
  in.payload = std::move(value.payload);
  in.accepted = [log = parts.log, kind = std::string(kind)](const ingress::outcome& o) {
    if (!o.problem.code.empty()) log.warn("not sent: " + kind, {{"why", o.problem.what()}});
  };
  parts.reactor.post([&parts, in = std::move(in)] { control::through_node(parts, in); });
}

void tell_watcher(node_parts& parts, const did& watcher, const down& d) {
  // One whose mailbox is down finds the state when it is up again.
  parts.router.at(watcher, [&](const route& to) {
    if (to.mailbox) caf::anon_send(to.mailbox, down_notice{d});
  });
}

void tell_watchers(node_parts& parts, const down& d) {
  for (const auto& watcher : parts.watches.watchers_of(d.who)) tell_watcher(parts, watcher, d);
}

bool is_up(node_parts& parts, const did& node) {
  auto peers = parts.peers.all();
  auto found = peers.find(node);
  return found != peers.end() && found->second.state == "up";
}

// One of ours, as it is now; nothing if it is well, or just being started.
std::optional<down> state_of(node_parts& parts, const did& who) {
  if (auto last = parts.watches.last_down(who)) return last;
  if (parts.router.is_local(who)) return std::nullopt;
  auto stored = parts.disk->get(store::table::state, keys::agent(keys::of(who)));
  if (stored && *stored) return down{who, down_reason::stopped, {}};
  return down{who, down_reason::refused, "there is no such agent on its node"};
}

// Whether another node has to be asked, and which.
void look_for(node_parts& parts, const did& watcher, const did& who) {
  auto where = parts.router.find(who);
  if (where.where == route::kind::remote) {
    parts.watches.set_home(who, where.node);
    if (is_up(parts, where.node))
      return tell_node(parts, where.node, "kith.watch", watch_order{who.text(), true});
    return tell_watcher(parts, watcher,
                        {who, down_reason::unreachable, "its node is not connected"});
  }
  auto state = state_of(parts, who);
  if (state && state->reason == down_reason::refused)
    state = down{who, down_reason::unreachable, "no connected node is known to have it"};
  if (state) tell_watcher(parts, watcher, *state);
}

bool is_peer(node_parts& parts, const did& node) { return parts.peers.all().count(node) != 0; }

void asked_to_watch(node_parts& parts, const did& node, const did& who, bool sure) {
  auto state = state_of(parts, who);
  if (state && state->reason == down_reason::refused && !sure) return;
  if (!state || state->reason != down_reason::refused) {
    if (!parts.watches.add_node(who, node))
      state = down{who, down_reason::refused, "its node watches as many agents as it may"};
  }
  if (state)
    tell_node(parts, node, "kith.down",
              down_report{who.text(), std::string(to_string(state->reason)), state->why});
}

result<void> heard_down(node_parts& parts, const did& node, const down_report& r) {
  KITH_ASSIGN(auto who, did::parse(r.agent));
  auto home = parts.watches.home(who);
  auto where = parts.router.find(who);
  const bool its_own = home == node || (where.where == route::kind::remote && where.node == node);
  if (!its_own) return fail(errc::forbidden, "not_its_agent", "another node speaks for it");
  for (auto reason : {down_reason::crashed, down_reason::stopped, down_reason::refused})
    if (r.reason == to_string(reason)) {
      tell_watchers(parts, {who, reason, r.why.substr(0, why_size_max)});
      return {};
    }
  return fail(errc::malformed, "bad_down", "no such reason");
}

result<system_turn> watch_message(node_parts& parts, const message& m) {
  if (!is_peer(parts, m.from()))
    return fail(errc::forbidden, "nodes_only", "this is between nodes");
  if (m.kind() == "kith.down") {
    auto r = m.as<down_report>();
    if (!r) return fail(errc::malformed, "bad_down", "no report");
    KITH_TRY(heard_down(parts, m.from(), *r));
    return system_turn{};
  }
  auto order = m.as<watch_order>();
  if (!order) return fail(errc::malformed, "bad_watch", "no order");
  KITH_ASSIGN(auto who, did::parse(order->agent));
  if (m.kind() == "kith.watch")
    asked_to_watch(parts, m.from(), who, order->sure);
  else
    parts.watches.remove_node(who, m.from());
  return system_turn{};
}

} // namespace

std::optional<result<system_turn>> node_message(node_parts& parts, const message& m) {
  if (m.kind() == "kith.watch" || m.kind() == "kith.unwatch" || m.kind() == "kith.down")
    return watch_message(parts, m);
  return std::nullopt;
}

void watch(node_parts& parts, const did& watcher, const did& who, bool on) {
  if (parts.ending) return;
  if (!on) {
    auto node = parts.watches.remove(who, watcher);
    if (!node.empty()) tell_node(parts, node, "kith.unwatch", watch_order{who.text(), false});
    return;
  }
  if (!parts.watches.add(who, watcher))
    return tell_watcher(parts, watcher,
                        {who, down_reason::refused, "this node watches as many agents as it may"});
  look_for(parts, watcher, who);
}

void agent_ended(node_parts& parts, const tenant& who, const down& what,
                 const std::string& culprit) {
  if (parts.ending) return; // the node goes: others see that by its links
  parts.watches.went_down(what);
  parts.dog.remove(who.self);
  parts.meters.agents.remove(who.self);
  if (what.reason == down_reason::crashed) {
    parts.crashes.add({parts.time.wall(), who.self, who.type, who.name, what.why, culprit});
    parts.log.error(
        "agent crashed",
        {{"agent", who.self.text()}, {"type", who.type}, {"why", what.why}, {"handling", culprit}});
  }
  tell_watchers(parts, what);
  for (const auto& node : parts.watches.nodes_of(what.who))
    tell_node(parts, node, "kith.down",
              down_report{what.who.text(), std::string(to_string(what.reason)),
                          what.why.substr(0, why_size_max)});
}

void watch_handlers(node_parts& parts) {
  constexpr duration look_interval_max = std::chrono::seconds(1);
  auto patience = parts.options.settings.milliseconds("watchdog.handler_ms");
  if (patience == duration(0) || parts.ending) return;
  for (const auto& f : parts.dog.look(parts.time.now(), patience)) {
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(f.held).count();
    parts.log.warn(
        "a handler holds up a worker thread",
        {{"agent", f.agent.text()}, {"type", f.type}, {"handler", f.handler}, {"for_ms", ms}});
  }
  parts.reactor.after(std::min(patience, look_interval_max), [&parts] { watch_handlers(parts); });
}

void link_changed_to(node_parts& parts, const did& node, bool up) {
  if (parts.ending) return;
  for (const auto& who : parts.watches.watched()) {
    if (parts.router.is_local(who)) continue;
    auto where = parts.router.find(who);
    const auto home = where.where == route::kind::remote ? where.node : parts.watches.home(who);
    if (!up) {
      if (home == node)
        tell_watchers(parts, {who, down_reason::unreachable, "the link to its node broke"});
    } else if (home == node || home.empty()) {
      tell_node(parts, node, "kith.watch", watch_order{who.text(), home == node});
    }
  }
}

} // namespace kith
