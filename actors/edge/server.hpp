// The HTTPS server of a node. It admits a request by rate and by who sends it, finds its route, and
// hands it to one of the adapters; each adapter claims its paths when the server starts.
#pragma once

#include "actors/edge/access.hpp"
#include "actors/edge/rate_limit.hpp"
#include "actors/edge/routes.hpp"
#include "actors/edge/services.hpp"
#include "runtime/net/http_client.hpp"
#include "runtime/net/http_server.hpp"
#include "runtime/net/tls_context.hpp"

#include <optional>

namespace kith::edge {

enum class tls_mode : std::uint8_t { off, self_signed, files };

struct server_options {
  std::string listen; // "127.0.0.1:8443"
  tls_mode tls = tls_mode::self_signed;
  net::tls_files files;
  access_options access;
  rate reads{200, 400}, writes{100, 200}; // of one DID; of one address, without a signature too
  net::http_options http;
  net::http_client_options client;
  net::tls_trust trust;
};

// What an adapter is given when it adds its routes. Lives as long as the server.
struct context {
  const services& of;
  gatekeeper& access;
  net::reactor& reactor;
  net::http_client& client;
  std::function<json()> describe; // the OpenAPI document
};

// Lives on one reactor; but for listen() and close() nobody calls it.
class server {
public:
  static constexpr duration refresh_interval = std::chrono::seconds(10); // of certificates

  // invalid "tls_needed" if it would serve without TLS beyond this machine; the errors of
  // tls_server_context and network::listen.
  static result<std::unique_ptr<server>> listen(net::reactor& on, net::network& through,
                                                const services& of, server_options options);
  ~server();
  std::string address() const { return listener_->local_address(); }
  bool secure() const { return tls_ != nullptr; }
  // The certificate in PEM; empty without TLS.
  std::string certificate() const { return tls_ ? tls_->certificate() : std::string(); }
  // Takes no more connections; `done` once all are gone, at the latest after `deadline`.
  void drain(duration deadline, std::function<void()> done);

private:
  server(net::reactor& on, net::network& through, const services& of, server_options options,
         std::unique_ptr<net::tls_client_context> trust);
  void accept(std::unique_ptr<net::byte_stream> socket);
  void handle(net::http_request request, net::http_responder answer);
  void note_connections();
  void run_noted(const route& r, call c, net::http_responder answer);
  // The answer that ends it, or nothing: go on.
  std::optional<net::http_response> refuse(call& c, const route& r);
  std::optional<net::http_response> too_often(rate_limiter& reads, rate_limiter& writes,
                                              const std::string& who, bool writing);
  void refresh();

  net::reactor& reactor_;
  services of_;
  server_options options_;
  std::unique_ptr<net::tls_client_context> trust_;
  net::http_client client_;
  gatekeeper access_;
  rate_limiter address_reads_, address_writes_, signer_reads_, signer_writes_;
  routes routes_;
  std::unique_ptr<context> context_; // adapters hold on to it
  std::unique_ptr<net::tls_server_context> tls_;
  std::unique_ptr<net::http_server> http_;
  std::unique_ptr<net::listener> listener_;
  net::timer_id timer_ = 0;
};

// Made by the build: calls add_<name>(routes, context) of every file adapters/<name>.cpp.
void add_adapters(routes& to, const context& with);

// "127.0.0.1:4711", "[::1]:4711" or a Unix socket: this machine.
bool is_loopback(std::string_view address);

} // namespace kith::edge
