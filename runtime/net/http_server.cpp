// An HTTP server: who is connected, and the right to answer.
#include "runtime/net/http_server.hpp"

#include "runtime/net/http_server_impl.hpp"
#include "runtime/net/http_stream_core.hpp"
#include "runtime/net/websocket_session.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cassert>
#include <netinet/in.h>

namespace kith::net {
namespace {

// How late a time limit may be noticed; all connections are looked at this often.
constexpr duration tick_interval = std::chrono::milliseconds(250);
constexpr std::size_t idle_readers_max = 64;
constexpr std::size_t ipv6_network_size = 8; // bytes: a /64 is one customer

// What connections from one place share; empty for a Unix socket.
std::string address_key_of(const std::string& remote) {
  if (remote.starts_with("unix:")) return {};
  const auto colon = remote.rfind(':');
  if (!remote.starts_with('[')) return remote.substr(0, colon);
  const std::string host = remote.substr(1, remote.rfind(']') - 1);
  in6_addr at{};
  if (::inet_pton(AF_INET6, host.c_str(), &at) != 1) return host;
  return std::string(reinterpret_cast<const char*>(at.s6_addr), ipv6_network_size);
}

} // namespace

bool http_server::impl::run(std::function<void()> job) {
  {
    const std::lock_guard hold(lock);
    if (on == nullptr) return false;
    if (!on->on_thread()) {
      on->post(std::move(job));
      return true;
    }
  }
  job();
  return true;
}

bool http_server::impl::is_here() {
  const std::lock_guard hold(lock);
  return on != nullptr && on->on_thread();
}

bool http_server::impl::post(std::function<void()> job) {
  const std::lock_guard hold(lock);
  if (on == nullptr) return false;
  on->post(std::move(job));
  return true;
}

bool http_server::impl::take_stream() {
  if (++streams_taken <= options.streams_max) return true;
  --streams_taken;
  return false;
}

void http_server::impl::adopt(std::unique_ptr<byte_stream> stream, bool secure) {
  if (draining) return refused(0, "draining");
  std::string key = address_key_of(stream->remote_address());
  const auto same = key.empty() ? per_address.end() : per_address.find(key);
  const bool full =
      connections.size() - refusals >= options.connections_max ||
      (same != per_address.end() && same->second >= options.connections_per_address_max);
  if (full && refusals >= options.refusals_max) return refused(0, "too_many_connections");
  const auto c = std::make_shared<http_connection>(shared_from_this(), std::move(stream), secure);
  c->index = connections.size();
  c->turned_away = full;
  connections.push_back(c);
  tick_soon();
  c->start();
  if (full) {
    ++refusals;
    return c->turn_away();
  }
  if (!key.empty()) ++per_address[key];
  c->address_key = std::move(key);
}

void http_server::impl::remove(http_connection& gone) {
  if (gone.turned_away) --refusals;
  const auto counted = per_address.find(gone.address_key);
  if (counted != per_address.end() && --counted->second == 0) per_address.erase(counted);
  const std::size_t at = gone.index;
  assert(connections[at].get() == &gone);
  std::swap(connections[at], connections.back());
  connections[at]->index = at;
  const auto last = std::move(connections.back()); // dies at the end: it may be the caller's
  connections.pop_back();
  if (connections.empty() && draining) on_all_gone();
}

void http_server::impl::refused(int status, std::string_view why) {
  ++refused_count;
  if (options.on_refused) options.on_refused(status, why);
}

std::unique_ptr<http_reader> http_server::impl::take_reader() {
  if (readers.empty()) return std::make_unique<http_reader>(options);
  auto out = std::move(readers.back());
  readers.pop_back();
  return out;
}

void http_server::impl::give_reader(std::unique_ptr<http_reader> reader) {
  if (readers.size() >= idle_readers_max) return;
  reader->reset();
  readers.push_back(std::move(reader));
}

std::string_view http_server::impl::date() {
  const wall_ms now = time.wall();
  const std::int64_t second = now / 1000;
  if (second != date_second) {
    date_text = http_date(now);
    date_second = second;
  }
  return date_text;
}

void http_server::impl::tick_soon() {
  if (tick_timer == 0)
    tick_timer = on->after(tick_interval, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->tick();
    });
}

void http_server::impl::tick() {
  tick_timer = 0;
  const time_point now = time.now();
  // From the last one: each may remove itself, and then the last one takes its place.
  for (std::size_t i = connections.size(); i-- > 0;)
    if (i < connections.size()) connections[i]->tick(now);
  if (on != nullptr && !connections.empty()) tick_soon();
}

void http_server::impl::drain(duration deadline, std::function<void()> done) {
  if (draining) return;
  draining = true;
  on_drained = std::move(done);
  if (connections.empty()) return on_all_gone();
  drain_timer = on->after(deadline, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->drain_timer = 0;
    self->abort_all({errc::unavailable, "draining", "the server stops"});
  });
  const auto all = connections; // each may remove itself
  for (const auto& c : all) c->drain();
}

void http_server::impl::on_all_gone() {
  if (on == nullptr) return;
  on->cancel(std::exchange(drain_timer, 0));
  on->cancel(std::exchange(tick_timer, 0));
  on->post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->on == nullptr) return;
    const auto done = std::exchange(self->on_drained, nullptr);
    if (done) done();
  });
}

void http_server::impl::abort_all(const error& reason) {
  while (!connections.empty()) connections.back()->abort(reason);
}

void http_server::impl::shut() {
  on->cancel(tick_timer);
  on->cancel(drain_timer);
  draining = true;
  on_drained = nullptr;
  abort_all({errc::unavailable, "server_gone", "the server is gone"});
  websockets.reset();
  readers.clear();
  const std::lock_guard hold(lock);
  on = nullptr;
}

http_responder::http_responder(std::shared_ptr<http_connection> to, std::uint64_t request)
    : to_(std::move(to)), request_(request) {}

http_responder& http_responder::operator=(http_responder&& other) noexcept {
  http_responder old(std::move(*this)); // answers
  to_ = std::move(other.to_);
  request_ = other.request_;
  return *this;
}

http_responder::~http_responder() {
  if (to_) respond(http_response::problem(500, "the request was not answered", "not_answered"));
}

void http_responder::respond(http_response response) {
  const auto to = std::exchange(to_, nullptr);
  if (!to) return;
  auto& server = to->server();
  if (server.is_here()) return to->respond(request_, std::move(response));
  server.run([to, request = request_, response = std::move(response)]() mutable {
    to->respond(request, std::move(response));
  });
}

namespace {

http_response too_many_streams(const http_options& options) {
  auto out = http_response::problem(503, "there are too many streams; try again later",
                                    "too_many_streams");
  out.headers.add("Retry-After", std::to_string(options.retry_after_s));
  return out;
}

} // namespace

result<std::shared_ptr<http_stream>> http_responder::stream(http_response head) {
  if (!to_) return fail(errc::invalid, "answered", "the request was answered already");
  auto& server = to_->server();
  if (!server.take_stream()) {
    server.run([s = server.shared_from_this()] { s->refused(503, "too_many_streams"); });
    respond(too_many_streams(server.options));
    return fail(errc::overloaded, "too_many_streams", "there are too many streams");
  }
  const auto to = std::exchange(to_, nullptr);
  const auto body = std::make_shared<http_stream::core>(to);
  auto out = std::make_shared<http_stream>(body);
  if (!server.run([to, body, request = request_, head = std::move(head)] {
        to->begin_stream(request, head, body);
      }))
    body->end({errc::unavailable, "server_gone", "the server is gone"});
  return out;
}

bool http_responder::wants_upgrade() const { return to_ && !to_->websocket_key().empty(); }

result<std::shared_ptr<websocket>> http_responder::upgrade(const websocket_options& options) {
  if (!to_) return fail(errc::invalid, "answered", "the request was answered already");
  auto& server = to_->server();
  if (!wants_upgrade()) {
    auto refusal = http_response::problem(426, "this is for WebSockets only", "no_upgrade");
    refusal.headers.add("Upgrade", "websocket");
    respond(std::move(refusal));
    return fail(errc::invalid, "no_upgrade", "the request does not ask for a WebSocket");
  }
  if (!server.take_stream()) {
    server.run([s = server.shared_from_this()] { s->refused(503, "too_many_streams"); });
    respond(too_many_streams(server.options));
    return fail(errc::overloaded, "too_many_streams", "there are too many streams");
  }
  const auto to = std::exchange(to_, nullptr);
  const auto core = std::make_shared<websocket::core>(server.shared_from_this(),
                                                      server.options.stream_unsent_max);
  auto out = std::make_shared<websocket>(core);
  if (!server.run(
          [to, core, request = request_, options] { to->begin_websocket(request, core, options); }))
    core->end({errc::unavailable, "server_gone", "the server is gone"});
  return out;
}

http_server::http_server(reactor& on, const clock& time, http_options options, http_handler handler)
    : impl_(std::make_shared<impl>(on, time, std::move(options), std::move(handler))) {}

http_server::~http_server() { impl_->shut(); }

void http_server::adopt(std::unique_ptr<byte_stream> stream, bool secure) {
  impl_->adopt(std::move(stream), secure);
}

http_counts http_server::counts() const {
  const std::size_t streams = impl_->streams_taken;
  return {impl_->connections.size() - impl_->refusals,
          streams - std::min(streams, impl_->websocket_count), impl_->websocket_count,
          impl_->request_count, impl_->refused_count};
}

void http_server::drain(duration deadline, std::function<void()> done) {
  impl_->drain(deadline, std::move(done));
}

} // namespace kith::net
