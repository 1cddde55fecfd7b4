// Fetches over HTTP and HTTPS (RFC 9110, RFC 9112) what a URL of unknown origin names. Everything
// that could hurt is bounded: time, sizes, redirects, and where it may lead (address_guard.hpp).
#pragma once

#include "runtime/net/http.hpp"
#include "runtime/net/network.hpp"
#include "runtime/net/reactor.hpp"
#include "runtime/net/tls_context.hpp"

namespace kith::net {

struct fetch_request {
  std::string url; // "https://host/path?query"; http too; no user name or password
  std::string method = "GET";
  // Host, Content-Length, Connection and what else belongs to the connection are the client's.
  http_headers headers;
  slice body;
};

// Each says what happens past it.
struct fetch_limits {
  duration time_max = std::chrono::seconds(30); // of all of it, redirects too: timeout "timeout"
  // Of one connection: "connect_timeout", or "timeout" during the TLS handshake, which has as much.
  duration connect_time_max = std::chrono::seconds(10);
  // A response's head, a line of its chunks, its trailers: too_large "too_large".
  std::size_t head_size_max = 64 * 1024;
  // A response's body, decoded: too_large "too_large".
  std::size_t body_size_max = 1024 * 1024;
  // "too_many_redirects". With 0 none is followed: a redirect is an answer like any other.
  std::size_t redirects_max = 5;
};

struct fetch_answer {
  http_response response; // of the last hop, with any status
  std::string url;        // that it came from
  std::size_t redirects = 0;
};

using fetch_id = std::uint64_t; // never 0, never used again
using fetch_handler = std::function<void(result<fetch_answer>)>;

struct http_client_options {
  // The test switch of the guard: fetches may reach private addresses too.
  bool allow_private = false;
  std::string user_agent = "Kith";
  std::size_t fetches_max = 256; // at a time; past it overloaded "too_many_fetches"
};

// Lives on one reactor and is called on its thread. Everything given to it outlives it. One
// connection a request, closed after it. Compression is not asked for and not undone. Revisits
// nothing: no cache, no cookies.
class http_client {
public:
  static constexpr std::size_t url_size_max = 8 * 1024;          // longer: "bad_url"
  static constexpr std::size_t headers_max = 64;                 // more: "bad_header"
  static constexpr std::size_t request_body_size_max = 16 << 20; // more: "too_large"

  http_client(reactor& on, network& through, const clock& time, const tls_client_context& trust,
              http_client_options options = {});
  ~http_client(); // cancels all
  http_client(const http_client&) = delete;

  // `done` is called once, never from within this call, and not after cancel() or the client's
  // destruction; it may destroy the client. Redirects 301, 302, 303, 307 and 308 are followed
  // (RFC 9110 section 15.4): POST becomes GET after the first two, all but HEAD after 303. To
  // another origin no Authorization, Cookie, Signature or Signature-Input goes along.
  //
  // Errors: invalid "bad_url" (also for credentials in it, and a host that is a number in any
  // notation but the plain one), "bad_header", "bad_method"; forbidden "scheme_refused" (not http
  // or https), "address_private" (by name or number, at any hop), "downgrade" (https to http);
  // malformed "redirect_cycle", "too_many_redirects", "bad_response", "truncated" (the connection
  // ended too early; with TLS also without close_notify where nothing else says the end);
  // too_large "too_large"; unauthenticated "tls_failed"; timeout "timeout"; overloaded
  // "too_many_fetches"; and those of network::connect and byte_stream.
  fetch_id fetch(fetch_request request, const fetch_limits& limits, fetch_handler done);
  // Does nothing for a fetch that is over.
  void cancel(fetch_id fetch);
  std::size_t active() const;

  struct impl; // for the sources of this folder

private:
  std::unique_ptr<impl> impl_;
};

} // namespace kith::net
