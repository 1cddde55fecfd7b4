// DID resolution: the contract of DIF's universal resolver, and the did:web documents of this node
// and of its agents.
#include "actors/edge/acting.hpp"
#include "actors/edge/histories.hpp"
#include "actors/edge/problem.hpp"
#include "actors/edge/server.hpp"
#include "protocols/did/did_web.hpp"
#include "protocols/did/resolver.hpp"

#include <unordered_map>

namespace kith::edge {

namespace {

constexpr std::string_view document_type = "application/did+ld+json";
// What Accept may ask for (protocols/did/accept.cpp).
constexpr std::string_view result_types =
    "application/did-resolution,application/did+ld+json,application/did+json,application/did,"
    "application/json,application/ld+json";

class resolution_service : public std::enable_shared_from_this<resolution_service> {
public:
  // Fetches under way; past it those who ask are told to come again.
  static constexpr std::size_t fetches_max = 64;
  static constexpr std::size_t waiting_max = 1024; // requests for them

  explicit resolution_service(const context& with) : with_(with), of_(with.of) {}

  void answer(const std::string& wanted, std::string accept, net::http_responder responder) {
    auto here = local(wanted);
    if (here) return respond(*here, accept, responder);
    auto found = resolver_.resolve(wanted, of_.time.now());
    if (auto* done = std::get_if<dids::resolution_ptr>(&found))
      return respond(**done, accept, responder);
    fetch(std::get<dids::fetch_intent>(found), std::move(accept), std::move(responder));
  }

  // The document that this node serves itself. Nothing: it is not one of ours.
  std::optional<dids::resolution> node_document() const {
    auto subject = web_identity(of_.public_url);
    if (!subject) return std::nullopt;
    return document_of(*subject, of_.self, {}, of_.started);
  }
  std::optional<dids::resolution> agent_document(std::string_view name) const {
    auto subject = web_identity(of_.public_url, name);
    if (name.empty() || !subject) return std::nullopt;
    // Before an agent that took the name later: who trusts these keys is not to find others.
    if (auto history = of_.histories.find(*subject))
      return dids::resolved(dids::web_document(*subject, history->periods(), {resolver_door()}));
    for (const auto& l : of_.directory.named(name))
      if (l.node == of_.self) return document_of(*subject, l.agent.agent, name, 0);
    return std::nullopt;
  }

private:
  struct waiting {
    std::string accept;
    net::http_responder responder;
  };

  static void respond(const dids::resolution& r, const std::string& accept,
                      net::http_responder& responder) {
    auto said = dids::respond(r, accept);
    auto a = net::http_response::of(said.status, said.content_type, said.body);
    if (!r.ok()) a.refusal = r.code;
    a.headers.set("Vary", "Accept");
    a.headers.set("Access-Control-Allow-Origin", "*"); // public, and asked for by browsers
    responder.respond(std::move(a));
  }

  std::optional<dids::resolution> document_of(const did& subject, const did& owner,
                                              std::string_view name, wall_ms since) const {
    auto raw = owner.ed25519();
    if (!raw) return std::nullopt;
    auto key = dids::public_key::from_raw(dids::key_type::ed25519, *raw);
    if (!key) return std::nullopt;
    std::vector<dids::door> doors{{"messages", "KithMessages", of_.public_url + "/api/messages"},
                                  resolver_door()};
    if (!name.empty())
      doors.push_back(
          {"card", "KithAgentCard", of_.public_url + "/api/agents/" + std::string(name)});
    if (auto history = of_.histories.find(subject))
      return dids::resolved(dids::web_document(subject, history->periods(), doors));
    return dids::resolved(dids::web_document(subject, {{*key, since, {}, false}}, doors));
  }

  dids::door resolver_door() const {
    return {"resolver", "DidResolver", of_.public_url + "/1.0/identifiers/"};
  }

  std::optional<dids::resolution> local(const std::string& wanted) const {
    if (!wanted.starts_with("did:web:")) return std::nullopt;
    // What is no did:web, as one with an empty name, the resolver refuses.
    if (auto subject = did::parse(wanted); !subject || !dids::web_url(*subject))
      return std::nullopt;
    if (auto node = web_identity(of_.public_url); node && wanted == node->text())
      return node_document();
    auto prefix = web_identity(of_.public_url, "x"); // did:web:host:agents:x
    if (!prefix) return std::nullopt;
    auto stem = prefix->text().substr(0, prefix->text().size() - 1);
    if (!wanted.starts_with(stem)) return std::nullopt;
    auto found = agent_document(wanted.substr(stem.size()));
    if (found) return found;
    return dids::failed(wanted, dids::resolution_error::not_found, "unknown_agent",
                        "no agent of this node has this name");
  }

  void fetch(const dids::fetch_intent& intent, std::string accept, net::http_responder responder) {
    auto& list = waiting_[intent.subject];
    if (waiting_.size() > fetches_max || waiting_count_ >= waiting_max) {
      if (list.empty()) waiting_.erase(intent.subject);
      return responder.respond(
          problem(503, "too many documents are being fetched", "too_many_fetches"));
    }
    ++waiting_count_;
    list.push_back({std::move(accept), std::move(responder)});
    if (list.size() > 1) return;
    net::fetch_request request;
    request.url = intent.url;
    request.headers.add("Accept", intent.accept);
    net::fetch_limits limits;
    limits.time_max = intent.timeout;
    limits.body_size_max = intent.body_size_max;
    limits.redirects_max = intent.redirects_max;
    with_.client.fetch(std::move(request), limits,
                       [weak = weak_from_this(), intent](result<net::fetch_answer> r) {
                         if (auto self = weak.lock()) self->fetched(intent, std::move(r));
                       });
  }

  void fetched(const dids::fetch_intent& intent, result<net::fetch_answer> r) {
    auto done = resolver_.fetched(intent, outcome_of(r), of_.time.now());
    auto outcome = done->ok() ? "ok" : done->metadata.deactivated ? "deactivated" : done->code;
    of_.metrics.count("kith_edge_did_fetches_total", {{"outcome", outcome}}).add();
    auto list = std::move(waiting_[intent.subject]);
    waiting_.erase(intent.subject);
    waiting_count_ -= list.size();
    for (auto& w : list) respond(*done, w.accept, w.responder);
  }

  static dids::fetch_outcome outcome_of(result<net::fetch_answer>& r) {
    if (!r) return dids::failed_fetch(r.error());
    return {dids::fetch_outcome::kind::answered, r->response.status,
            std::string(r->response.headers["content-type"]),
            std::string(as_text(r->response.body.view()))};
  }

  const context& with_;
  const services& of_;
  dids::resolver resolver_;
  std::unordered_map<did, std::vector<waiting>> waiting_; // by what is being fetched
  std::size_t waiting_count_ = 0;
};

std::vector<outcome> resolution_outcomes() {
  return {{200, "its document, or the whole result if Accept asks for that", result_types},
          {400, "not a DID", result_types},
          {401, "wrongly signed"},
          {404, "there is none", result_types},
          {406, "no such representation", result_types},
          {410, "deactivated", result_types},
          {429, "too often"},
          {500, "it could not be found out", result_types},
          {501, "no such method", result_types},
          {503, "too many documents are being fetched"}};
}

} // namespace

void add_did(routes& to, const context& with) {
  auto service = std::make_shared<resolution_service>(with); // shared by the routes and fetches
  to.add({.method = "GET",
          .pattern = "/1.0/identifiers/{did...}",
          .name = "resolve",
          .summary = "Resolves a DID (the contract of DIF's universal resolver): did:key, did:web, "
                     "did:nostr",
          .outcomes = resolution_outcomes(),
          .run = [service](call c, net::http_responder answer) {
            auto accept = c.request.headers.joined("accept").value_or("");
            service->answer(dids::identifier_from_path(c.param(0)), std::move(accept),
                            std::move(answer));
          }});
  to.add({.method = "GET",
          .pattern = "/api/did/{did...}",
          .name = "didDocument",
          .summary = "The DID document alone",
          .outcomes = resolution_outcomes(),
          .run = [service](call c, net::http_responder answer) {
            service->answer(dids::identifier_from_path(c.param(0)), std::string(document_type),
                            std::move(answer));
          }});
  auto serve = [](std::optional<dids::resolution> found, net::http_responder answer) {
    if (!found)
      return answer.respond(problem(404, "there is no such document here", "no_document"));
    auto a = net::http_response::of(200, document_type, found->text);
    a.headers.set("Access-Control-Allow-Origin", "*");
    answer.respond(std::move(a));
  };
  to.add({.method = "GET",
          .pattern = "/.well-known/did.json",
          .name = "nodeDocument",
          .summary = "The did:web document of this node",
          .outcomes = {{200, "the document", document_type},
                       {401, "wrongly signed"},
                       {404, "the node has no domain name (edge.public_url)"},
                       {429, "too often"}},
          .run = [service, serve](call, net::http_responder answer) {
            serve(service->node_document(), std::move(answer));
          }});
  to.add({.method = "GET",
          .pattern = "/agents/{name}/did.json",
          .name = "agentDocument",
          .summary = "The did:web document of an agent of this node",
          .outcomes = {{200, "the document", document_type},
                       {401, "wrongly signed"},
                       {404, "no such agent here"},
                       {429, "too often"}},
          .run = [service, serve](call c, net::http_responder answer) {
            serve(service->agent_document(c.param(0)), std::move(answer));
          }});
}

} // namespace kith::edge
