// The verbs of the control socket that look: status, tree, agents, where, dead letters.
#include "actors/node/gathering.hpp"
#include "runtime/base/base64.hpp"
#include "runtime/stream/text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>
#include <unistd.h>

namespace kith::control {

namespace bj = boost::json;

namespace {

std::string node_name(node_parts& parts, const did& node) {
  if (node == parts.self()) return parts.name;
  auto peers = parts.peers.all();
  auto it = peers.find(node);
  return it == peers.end() ? std::string() : it->second.name;
}

bj::object describe(node_parts& parts, const agent_directory::listing& l) {
  bj::object o;
  o["did"] = l.agent.agent.text();
  o["name"] = l.agent.name;
  o["type"] = l.agent.type;
  o["node"] = l.node.text();
  o["node_name"] = node_name(parts, l.node);
  bj::array advertised;
  for (const auto& c : l.agent.advertised)
    advertised.push_back({{"kind", c.kind}, {"description", c.about}});
  o["advertised"] = std::move(advertised);
  return o;
}

bj::object describe(const records::dead_letter& d) {
  bj::object o;
  o["id"] = d.id.text();
  o["agent"] = d.agent.text();
  o["reason"] = d.reason;
  o["attempts"] = d.attempts;
  o["at_ms"] = d.when;
  if (auto e = envelope::parse(d.envelope)) {
    o["from"] = e->from();
    o["kind"] = e->kind();
    if (!e->replay_of().is_nil()) o["replay_of"] = e->replay_of().text();
  }
  return o;
}

} // namespace

result<did> agent_reference(node_parts& parts, const std::string& text) {
  if (text.rfind("did:", 0) == 0) return did::parse(text);
  auto found = parts.directory.named(text);
  if (found.empty()) return fail(errc::not_found, "unknown_agent", "no agent is named " + text);
  if (found.size() > 1)
    return fail(errc::conflict, "ambiguous_name",
                std::to_string(found.size()) + " agents are named " + text +
                    "; use a DID (kith agents --all)");
  return found.front().agent.agent;
}

result<did> node_reference(node_parts& parts, const std::string& text) {
  if (text == parts.name || text == parts.self().text()) return parts.self();
  if (text.rfind("did:", 0) == 0) return did::parse(text);
  auto found = parts.peers.named(text);
  if (found.empty()) return fail(errc::not_found, "unknown_node", "no node is named " + text);
  return found;
}

void put_payload(bj::object& o, std::string_view content_type, std::string_view payload) {
  o["content_type"] = content_type;
  if (content_type == json_type) {
    boost::system::error_code ec;
    auto parsed = bj::parse(payload, ec);
    if (!ec) {
      o["json"] = std::move(parsed);
      return;
    }
  }
  if (content_type == text_type && is_utf8(payload))
    o["text"] = payload;
  else
    o["base64"] = to_base64(as_bytes(payload));
}

void status(node_parts& parts, const bj::object&, control_server::reply reply) {
  bj::object o;
  o["node"] = parts.self().text();
  o["name"] = parts.name;
  o["pid"] = std::int64_t(::getpid());
  o["version"] = KITH_VERSION;
  {
    std::lock_guard lock(parts.mutex);
    bool up = parts.joined && parts.router.find(parts.self()).mailbox != nullptr;
    o["state"] = parts.draining ? "draining" : up ? "ready" : "joining";
  }
  o["link_address"] = parts.link_address;
  if (!parts.edge_url.empty()) o["edge_url"] = parts.edge_url;
  o["started_ms"] = parts.started;
  o["boot_epoch"] = parts.boot_epoch;
  o["journal_position"] = parts.journal->synced();
  auto written = parts.journal->stats();
  o["journal"] = {{"commits", written.commits},
                  {"batches", written.batches},
                  {"records", written.records},
                  {"bytes", written.bytes}};
  auto count = parts.directory.count(parts.self());
  o["agents"] = count > 0 ? count - 1 : 0; // the node's own is not counted
  o["asleep"] = parts.router.asleep_count();
  o["unacknowledged"] = parts.router.unacknowledged();
  bj::array peers, members;
  members.push_back({{"did", parts.self().text()},
                     {"name", parts.name},
                     {"state", "alive"},
                     {"address", parts.link_address}});
  for (const auto& [id, p] : parts.peers.all()) {
    peers.push_back({{"did", id.text()},
                     {"name", p.name},
                     {"state", p.state == "up" ? "up" : "backoff"},
                     {"address", p.address},
                     {"rtt_us", p.rtt_us},
                     {"unacknowledged", p.unacknowledged},
                     {"volatile_dropped", p.volatile_dropped}});
    members.push_back({{"did", id.text()},
                       {"name", p.name},
                       {"state", p.state == "up" ? "alive" : "down"},
                       {"address", p.address}});
  }
  o["peers"] = std::move(peers);
  o["members"] = std::move(members);
  reply(std::move(o));
}

// By name; those that have only a DID come after, by what they are: the same cluster looks the same
// whatever keys it drew.
void sort_siblings(bj::array& children) {
  const auto rank = [](const bj::value& v) {
    const auto& o = v.get_object();
    const std::string_view name = o.at("name").get_string();
    const bool bare = name.starts_with("did:");
    return std::tuple(bare, bare ? std::string_view(o.at("kind").get_string()) : name, name);
  };
  std::sort(children.begin(), children.end(),
            [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

void tree(node_parts& parts, const bj::object&, control_server::reply reply) {
  struct item {
    bj::object o;
    std::string path;
  };
  // Paths come parents first; fold the deepest into their parents, from the end.
  std::vector<item> items;
  for (const auto& [path, e] : parts.tree.list()) {
    bj::object o;
    o["name"] = path.substr(path.rfind('/') + 1);
    o["kind"] = e.kind;
    o["state"] = e.state;
    o["restarts"] = e.restarts;
    if (!e.reason.empty()) o["reason"] = e.reason;
    o["children"] = bj::array();
    items.push_back({std::move(o), path});
  }
  for (std::size_t i = items.size(); i-- > 0;) {
    sort_siblings(items[i].o["children"].as_array());
    auto parent = items[i].path.substr(0, items[i].path.rfind('/'));
    auto it = std::find_if(items.begin(), items.begin() + std::ptrdiff_t(i),
                           [&](const auto& p) { return p.path == parent; });
    if (it == items.begin() + std::ptrdiff_t(i)) continue;
    it->o["children"].as_array().push_back(std::move(items[i].o));
  }
  if (items.empty()) return reply(fail(errc::unavailable, "not_ready", "the node is starting"));
  reply(std::move(items.front().o));
}

// Of one that sleeps: nothing waits, or it would be awake.
void put_asleep(node_parts& parts, const did& agent, bj::object& o) {
  o["pending"] = o["unacknowledged"] = 0;
  o["handlers"] = bj::array();
  const auto stored = parts.disk->get(store::table::state, keys::agent(keys::of(agent)));
  if (!stored || !*stored) return;
  if (const auto record = records::decode<records::agent_record>(**stored))
    if (!record->owner.empty()) o["owner"] = record->owner.text();
}

void agents(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto* all = args.if_contains("all");
  bool whole = all != nullptr && all->is_bool() && all->as_bool();
  auto gather = std::make_shared<gathering>(
      [reply = std::move(reply)](bj::array all) { reply(std::move(all)); });
  std::vector<std::pair<bj::object, caf::actor>> local;
  for (const auto& l : parts.directory.all()) {
    if (l.agent.type == "kith.node" || (!whole && l.node != parts.self())) continue;
    auto o = describe(parts, l);
    if (l.node == parts.self()) {
      const auto where = parts.router.find(l.agent.agent);
      if (where.mailbox) {
        local.emplace_back(std::move(o), where.mailbox);
        continue;
      }
      o["state"] = where.asleep ? "asleep" : "down";
      if (where.asleep) put_asleep(parts, l.agent.agent, o);
    } else {
      o["state"] = "remote";
    }
    gather->add(std::move(o));
  }
  gather->expect(local.size());
  for (auto& [o, mailbox] : local)
    caf::anon_send(mailbox,
                   mailbox_inquiry{[gather, o = std::move(o)](const mailbox_report& r) mutable {
                     o["state"] = r.state;
                     o["pending"] = r.waiting;
                     o["unacknowledged"] = r.unacked;
                     if (!r.owner.empty()) o["owner"] = r.owner.text();
                     o["handlers"] = bj::array(r.handlers.begin(), r.handlers.end());
                     gather->one(std::move(o));
                   }});
  parts.reactor.after(gathering::time_max, [gather] { gather->give_up(); });
}

// The furthest that any node knows: what the recipient says goes before what the sender believes.
static bj::object joined(const std::string& id, const bj::array& history) {
  static constexpr std::string_view order[] = {"queued",  "sent",    "persisted", "in_doubt",
                                               "handled", "refused", "expired",   "dead"};
  bj::object o;
  o["id"] = id;
  o["state"] = "unknown";
  std::ptrdiff_t best = -1;
  for (const auto& h : history) {
    const auto& entry = h.as_object();
    auto state = std::string_view(entry.at("state").as_string());
    auto rank = std::find(std::begin(order), std::end(order), state) - std::begin(order);
    for (auto* name : {"from", "to", "seq", "lane"})
      if (auto* v = entry.if_contains(name); v != nullptr && o.if_contains(name) == nullptr)
        o[name] = *v;
    if (rank <= best) continue;
    best = rank;
    o["state"] = state;
    o["node"] = entry.at("node");
  }
  o["history"] = history;
  return o;
}

void where(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto text = text_argument(args, "id");
  if (!text) return reply(fail(text.error()));
  auto id = uuid::parse(*text);
  if (!id) return reply(fail(errc::invalid, "bad_uuid", "a message id is a UUID"));
  auto gather =
      std::make_shared<gathering>([reply = std::move(reply), t = *text](const bj::array& lists) {
        bj::array flat;
        for (const auto& list : lists)
          for (const auto& entry : list.as_array()) flat.push_back(entry);
        reply(joined(t, flat));
      });
  std::vector<did> peers;
  for (const auto& [node, p] : parts.peers.all())
    if (p.state == "up") peers.push_back(node);
  gather->expect(peers.size() + 1);
  gather->one(bj::parse(where_here(parts, *id)));
  for (const auto& node : peers) {
    ingress in;
    in.to = node;
    in.kind = "kith.where";
    in.content_type = text_type;
    in.payload = *text;
    in.quality = qos::at_most_once;
    in.wants_answer = true;
    in.timeout_ms = 2000;
    in.accepted = [gather](const ingress::outcome& o) {
      if (!o.problem.code.empty()) gather->none();
    };
    in.answered = [gather](const ingress::answer& a) {
      boost::system::error_code ec;
      auto parsed = a.status == answer_status::ok ? bj::parse(a.payload, ec) : bj::value();
      if (!ec && parsed.is_array())
        gather->one(std::move(parsed));
      else
        gather->none();
    };
    through_node(parts, std::move(in));
  }
  parts.reactor.after(gathering::time_max, [gather] { gather->give_up(); });
}

void dlq_ls(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto agent = optional_text(args, "agent");
  if (!agent) return reply(fail(agent.error()));
  std::string only;
  if (!agent->empty()) {
    auto id = agent_reference(parts, *agent);
    if (!id) return reply(fail(id.error()));
    only = id->text();
  }
  bj::array out;
  auto from = keys::dead_begin();
  auto end = keys::end_of(from);
  for (;;) {
    auto found = parts.disk->scan(store::table::ledger, from, end, {});
    if (!found) return reply(fail(found.error()));
    if (found->empty()) break;
    for (const auto& e : *found) {
      auto letter = records::decode<records::dead_letter>(e.value);
      if (!letter) return reply(fail(letter.error()));
      if (only.empty() || letter->agent.text() == only) out.push_back(describe(*letter));
    }
    from = found->back().key;
    from.push_back(0);
  }
  reply(std::move(out));
}

void dlq_show(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto text = text_argument(args, "id");
  if (!text) return reply(fail(text.error()));
  auto id = uuid::parse(*text);
  if (!id) return reply(fail(errc::invalid, "bad_uuid", "a message id is a UUID"));
  auto stored = parts.disk->get(store::table::ledger, keys::dead(*id));
  if (!stored) return reply(fail(stored.error()));
  if (!*stored)
    return reply(fail(errc::not_found, "unknown_dead_letter",
                      "no dead letter on this node has the id " + *text));
  auto letter = records::decode<records::dead_letter>(**stored);
  if (!letter) return reply(fail(letter.error()));
  auto o = describe(*letter);
  if (auto e = envelope::parse(letter->envelope))
    put_payload(o, e->content_type(), as_text(e->payload()));
  reply(std::move(o));
}

} // namespace kith::control
