// What a node says of itself: alive, ready, version, metrics, and the description of all of this.
#include "actors/edge/problem.hpp"
#include "actors/edge/server.hpp"
#include "runtime/observe/prometheus.hpp"

namespace kith::edge {

namespace {

constexpr std::string_view json_content = "application/json";

net::http_response health(int status, std::string_view said, const std::string& why) {
  auto o = json::object();
  o.set("status", said);
  if (!why.empty()) o.set("why", why);
  return json_response(status, o);
}

} // namespace

void add_node(routes& to, const context& with) {
  const auto& of = with.of;
  to.add(
      {.method = "GET",
       .pattern = "/livez",
       .name = "livez",
       .summary = "Whether the process answers at all",
       .outcomes = {{200, "it does", json_content, "Health"}},
       .run = [](call, net::http_responder answer) { answer.respond(health(200, "alive", {})); }});
  to.add({.method = "GET",
          .pattern = "/readyz",
          .name = "readyz",
          .summary =
              "Whether the node takes work: not while it joins its cluster, nor while it drains",
          .outcomes = {{200, "it does", json_content, "Health"},
                       {503, "not now", json_content, "Health"}},
          .run = [&of](call, net::http_responder answer) {
            auto why = of.unready();
            answer.respond(why.empty() ? health(200, "ready", {}) : health(503, "not ready", why));
          }});
  auto about = [&of] {
    auto o = json::object();
    o.set("node", of.self.text()), o.set("name", of.name), o.set("version", of.version);
    o.set("now", of.time.wall());
    return json_response(200, o);
  };
  to.add({.method = "GET",
          .pattern = "/version",
          .name = "version",
          .summary = "Which node this is, its version, and its clock (ms)",
          .outcomes = {{200, "this one", json_content, "Node"}},
          .run = [about](call, net::http_responder answer) { answer.respond(about()); }});
  to.add({.method = "GET",
          .pattern = "/metrics",
          .name = "metrics",
          .needs = need::loopback,
          .summary = "Metrics for Prometheus (text format 0.0.4)",
          .outcomes = {{200, "all of them", "text/plain"},
                       {401, "not from elsewhere without the token"},
                       {403, "for the operator"}},
          .run = [&of](call, net::http_responder answer) {
            const auto all = of.read_metrics ? of.read_metrics() : of.metrics.read();
            answer.respond(net::http_response::of(200, "text/plain; version=0.0.4; charset=utf-8",
                                                  observe::prometheus_text(all)));
          }});
  to.add({.method = "GET",
          .pattern = "/openapi.json",
          .name = "openapi",
          .summary = "This description (OpenAPI 3.1)",
          .outcomes = {{200, "the document", json_content}},
          .run = [&with](call, net::http_responder answer) {
            answer.respond(json_response(200, with.describe()));
          }});
}

} // namespace kith::edge
