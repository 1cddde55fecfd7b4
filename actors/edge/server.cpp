#include "actors/edge/server.hpp"

#include "actors/edge/acting.hpp"
#include "actors/edge/inbox_hub.hpp"
#include "actors/edge/problem.hpp"
#include "runtime/net/tls_stream.hpp"

namespace kith::edge {

namespace {

// Of one address, IPv6 by its network, so that a host with many addresses is one.
std::string host_of(std::string_view remote) {
  auto parsed = net::parse_address(remote);
  if (!parsed) return std::string(remote);
  std::string host = parsed->host;
  if (host.find(':') == std::string::npos) return host;
  std::size_t end = 0;
  for (int groups = 0; groups < 4 && end != std::string::npos; ++groups)
    end = host.find(':', end + (groups > 0 ? 1 : 0));
  return host.substr(0, end);
}

rate scaled(rate r, double by) { return {r.per_second * by, r.burst * by}; }
// Behind one address there may be many DIDs.
constexpr double address_share = 10;

} // namespace

bool is_loopback(std::string_view address) {
  auto parsed = net::parse_address(address);
  if (!parsed) return address.starts_with("unix:");
  return parsed->type == net::address::kind::unix_socket || parsed->host == "localhost" ||
         parsed->host == "::1" || parsed->host.starts_with("127.");
}

server::server(net::reactor& on, net::network& through, const services& of, server_options options,
               std::unique_ptr<net::tls_client_context> trust)
    : reactor_(on), of_(of), options_(std::move(options)), trust_(std::move(trust)),
      client_(on, through, of.time, *trust_, options_.client),
      access_(options_.access, of.random,
              [this](const did& who) { return of_.router.is_local(who); }),
      address_reads_(scaled(options_.reads, address_share)),
      address_writes_(scaled(options_.writes, address_share)), signer_reads_(options_.reads),
      signer_writes_(options_.writes) {}

result<std::unique_ptr<server>> server::listen(net::reactor& on, net::network& through,
                                               const services& of, server_options options) {
  KITH_ASSIGN(auto trust, net::tls_client_context::make(options.trust));
  std::unique_ptr<server> s(new server(on, through, of, std::move(options), std::move(trust)));
  auto& o = s->options_;
  if (o.tls == tls_mode::off && !is_loopback(o.listen))
    return fail(errc::invalid, "tls_needed",
                "without TLS the edge listens on this machine only; " + o.listen +
                    " is beyond it. Set edge.certificate_file and edge.key_file, or put a proxy "
                    "in front");
  if (o.tls == tls_mode::files) {
    KITH_ASSIGN(s->tls_, net::tls_server_context::from_files(o.files));
  } else if (o.tls == tls_mode::self_signed) {
    s->tls_ = net::tls_server_context::self_signed(of.time.wall());
  }
  auto* self = s.get();
  s->context_.reset(new context{self->of_, self->access_, on, self->client_, [self] {
                                  return openapi(self->routes_, self->of_.version,
                                                 self->of_.public_url);
                                }});
  add_adapters(s->routes_, *s->context_);
  auto http = o.http;
  http.on_refused = [self](int, std::string_view why) {
    self->of_.metrics.count("kith_edge_refused_total", {{"why", std::string(why)}}).add();
  };
  s->http_ = std::make_unique<net::http_server>(on, of.time, http,
                                                [self](net::http_request r, net::http_responder a) {
                                                  self->handle(std::move(r), std::move(a));
                                                });
  KITH_ASSIGN(s->listener_,
              through.listen(o.listen, [self](auto socket) { self->accept(std::move(socket)); }));
  if (s->of_.public_url.empty())
    s->of_.public_url = (s->secure() ? "https://" : "http://") + s->address();
  of.hub.open(on, of.disk);
  s->timer_ = on.after(refresh_interval, [self] { self->refresh(); });
  return s;
}

server::~server() {
  reactor_.cancel(timer_);
  of_.hub.close();
}

void server::accept(std::unique_ptr<net::byte_stream> socket) {
  if (tls_) socket = net::tls_stream::accept(reactor_, *tls_, std::move(socket));
  http_->adopt(std::move(socket), tls_ != nullptr);
}

void server::note_connections() {
  auto counts = http_->counts();
  of_.metrics.measure("kith_edge_connections").set(std::int64_t(counts.connections));
  of_.metrics.measure("kith_edge_streams").set(std::int64_t(counts.streams + counts.websockets));
}

void server::refresh() {
  timer_ = reactor_.after(refresh_interval, [this] { refresh(); });
  note_connections(); // for those who look by the control socket
  if (!tls_) return;
  auto changed = tls_->refresh(of_.time.wall());
  if (!changed)
    of_.log.error("the new certificate is no good; the old one stays in use", changed.error());
  else if (*changed)
    of_.log.info("a new certificate is in use", {});
}

std::optional<net::http_response> server::too_often(rate_limiter& reads, rate_limiter& writes,
                                                    const std::string& who, bool writing) {
  auto wait = (writing ? writes : reads).take(who, of_.time.now());
  if (wait == duration(0)) return std::nullopt;
  auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  auto answer = problem(429, "too many requests; come again later", "rate_limited");
  answer.headers.set("Retry-After", std::to_string(seconds));
  return answer;
}

std::optional<net::http_response> server::refuse(call& c, const route& r) {
  auto who = access_.identify(c.request, of_.time.wall());
  if (!who) return problem(who.error());
  c.who = std::move(*who);
  switch (r.needs) {
  case need::nothing: break;
  case need::known:
    if (!c.who.known())
      return problem(
          {errc::unauthenticated, "signature_missing",
           "this needs a signature (RFC 9421, keyid a did:key) or the operator's token"});
    break;
  case need::loopback:
    if (c.who.rules() || is_loopback(c.request.remote_address)) break;
    [[fallthrough]];
  case need::rule:
    if (!c.who.known())
      return problem({errc::unauthenticated, "token_missing", "this needs the operator's token"});
    if (!c.who.rules())
      return problem({errc::forbidden, "operator_only", "this is for the node's operator"});
    break;
  }
  if (c.who.is == principal::kind::signer)
    return too_often(signer_reads_, signer_writes_, c.who.who.text(), r.writes());
  return std::nullopt;
}

void server::handle(net::http_request request, net::http_responder answer) {
  bool writing = request.method != "GET" && request.method != "HEAD";
  if (auto no =
          too_often(address_reads_, address_writes_, host_of(request.remote_address), writing))
    return answer.respond(std::move(*no));
  auto found = routes_.find(request.method, request.path());
  if (!found) return answer.respond(problem(found.error()));
  if (found->found == nullptr) {
    bool elsewhere = !found->allowed.empty();
    auto no = elsewhere ? problem(405, "there is no such method here", "method_not_allowed")
                        : problem(404, "there is nothing at this path; see /openapi.json",
                                  "no_such_path");
    if (elsewhere) no.headers.set("Allow", found->allowed);
    return answer.respond(std::move(no));
  }
  const auto& r = *found->found;
  of_.metrics.count("kith_edge_requests_total", {{"route", std::string(r.name)}}).add();
  if (r.name == "metrics") note_connections();
  call c{std::move(request), {}, std::move(found->params)};
  if (auto no = refuse(c, r)) return answer.respond(std::move(*no));
  if (!of_.audit || !c.who.rules() || !r.writes()) return r.run(std::move(c), std::move(answer));
  run_noted(r, std::move(c), std::move(answer));
}

// What the operator does stands in the audit log before it is begun.
void server::run_noted(const route& r, call c, net::http_responder answer) {
  struct held_call {
    call what;
    net::http_responder answer;
  };
  // Shared: it comes back through std::function, which must be copyable.
  auto held = std::make_shared<held_call>(held_call{std::move(c), std::move(answer)});
  const auto& request = held->what.request;
  const std::string act = "edge." + std::string(r.name);
  const auto subject = std::string(request.path());
  const auto who = "operator's token, from " + request.remote_address;
  of_.audit(act, subject, who, [this, &r, held](const result<void>& noted) {
    reactor_.post([&r, held, noted] {
      if (!noted) return held->answer.respond(problem(noted.error()));
      r.run(std::move(held->what), std::move(held->answer));
    });
  });
}

void server::drain(duration deadline, std::function<void()> done) {
  listener_.reset();
  http_->drain(deadline, std::move(done));
}

} // namespace kith::edge
