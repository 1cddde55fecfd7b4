// Which agents there are, and what each says of itself.
#include "actors/edge/acting.hpp"
#include "actors/edge/problem.hpp"
#include "actors/edge/server.hpp"

namespace kith::edge {

namespace {

constexpr std::size_t listed_max = 10'000; // in one answer; the rest is left out and said so

json card(const agent_directory::listing& l) {
  auto o = json::object();
  o.set("did", l.agent.agent.text()), o.set("type", l.agent.type), o.set("node", l.node.text());
  if (!l.agent.name.empty()) o.set("name", l.agent.name);
  auto all = json::array();
  for (const auto& a : l.agent.advertised) {
    auto one = json::object();
    one.set("kind", a.kind), one.set("description", a.about);
    all.push_back(std::move(one));
  }
  o.set("capabilities", std::move(all));
  return o;
}

} // namespace

void add_agents(routes& to, const context& with) {
  const auto& of = with.of;
  to.add({.method = "GET",
          .pattern = "/api/agents",
          .name = "listAgents",
          .needs = need::known,
          .summary = "The agents of the cluster that this node knows",
          .outcomes = {{200, "their cards", "application/json", "Agents"},
                       {401, "not signed, or wrongly"},
                       {429, "too often"}},
          .run = [&of](call, net::http_responder answer) {
            auto list = json::array();
            auto all = of.directory.all();
            for (const auto& l : all)
              if (list.size() < listed_max && !l.agent.type.starts_with("kith."))
                list.push_back(card(l));
            auto o = json::object();
            o.set("agents", std::move(list));
            answer.respond(json_response(200, o));
          }});
  to.add({.method = "GET",
          .pattern = "/api/agents/{agent}",
          .name = "agentCard",
          .summary = "One agent's card, by its DID or name",
          .outcomes = {{200, "its card", "application/json", "Agent"},
                       {400, "not a DID"},
                       {401, "wrongly signed"},
                       {404, "no such agent"},
                       {409, "several agents have this name"},
                       {429, "too often"}},
          .run = [&of](call c, net::http_responder answer) {
            auto who = recipient(of, std::string(c.param(0)));
            if (!who) return answer.respond(problem(who.error()));
            if (auto l = of.directory.find(*who))
              return answer.respond(json_response(200, card(*l)));
            answer.respond(problem(404, "no agent here has this DID", "unknown_agent"));
          }});
}

} // namespace kith::edge
