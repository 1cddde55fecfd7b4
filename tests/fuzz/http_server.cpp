// Any bytes to the HTTP server and, after a handshake, to its WebSocket, in two cuts: never a
// crash, and what the handlers see is the same either way. The stream and the reactor are
// pretended.
#include "runtime/net/http_server.hpp"

#include <cstdlib>
#include <deque>

using namespace kith;
using namespace kith::net;

namespace {

struct queue_reactor final : reactor {
  void post(std::function<void()> job) override { jobs.push_back(std::move(job)); }
  timer_id after(duration, std::function<void()>) override { return 1; } // time stands still
  void cancel(timer_id) override {}
  bool on_thread() const override { return true; }
  void run() {
    while (!jobs.empty()) {
      const auto job = std::move(jobs.front());
      jobs.pop_front();
      job();
    }
  }
  std::deque<std::function<void()>> jobs;
};

// What the test and the stream, which the server destroys, both know.
struct wire {
  stream_handlers handlers;
  std::size_t sent = 0;
  bool paused = false, closed = false;
};

struct wire_stream final : byte_stream {
  wire_stream(queue_reactor& r, std::shared_ptr<wire> w) : on(r), at(std::move(w)) {}
  ~wire_stream() override { at->closed = true; }
  void start(stream_handlers handlers) override { at->handlers = std::move(handlers); }
  void write(bytes data) override { at->sent += data.size(); }
  void write(slice data) override { at->sent += data.size(); }
  std::size_t unsent() const override { return 0; }
  void pause_reading() override { at->paused = true; }
  void resume_reading() override { at->paused = false; }
  void close() override {
    if (std::exchange(at->closed, true)) return;
    on.post([w = at] {
      const auto told = std::move(w->handlers); // they may destroy the stream
      if (told.on_closed) told.on_closed({errc::cancelled, "closed", ""});
    });
  }
  void abort() override { at->closed = true; }
  std::string remote_address() const override { return "192.0.2.1:1"; }

  queue_reactor& on;
  std::shared_ptr<wire> at; // shared with the test
};

struct outcome {
  std::string seen; // requests and messages, one after another
  bool refused = false, closed = false;
  bool operator==(const outcome&) const = default;
};

void note(outcome& o, std::string_view part) { o.seen.append(part).push_back('\n'); }

outcome run(byte_view in, std::size_t piece_size, bool later) {
  outcome o;
  queue_reactor reactor;
  manual_clock clock;
  http_options options;
  options.head_size_max = 600;
  options.headers_max = 12;
  options.target_size_max = 200;
  options.body_size_max = 5000;
  options.pipelined_size_max = 1000;
  options.on_refused = [&](int, std::string_view) { o.refused = true; };
  std::deque<http_responder> held;
  std::vector<std::shared_ptr<websocket>> sockets;
  http_server server(reactor, clock, options, [&](http_request r, http_responder to) {
    note(o, r.method);
    note(o, r.target);
    note(o, r.path());
    note(o, r.query());
    note(o, r.authority());
    for (const auto [name, value] : r.headers)
      note(o, std::string(name) + ":" + std::string(value));
    note(o, as_text(r.body));
    if (to.wants_upgrade()) {
      websocket_options limits;
      limits.message_size_max = 3000;
      const auto s = *to.upgrade(limits);
      s->on_message([&o, raw = s.get()](websocket_kind kind, byte_view m) {
        note(o, as_text(m));
        raw->send(kind, m);
      });
      sockets.push_back(s);
    } else if (later) {
      held.push_back(std::move(to));
    } else {
      to.respond(http_response::of(200, "text/plain", r.target));
    }
  });
  const auto w = std::make_shared<wire>();
  server.adopt(std::make_unique<wire_stream>(reactor, w), false);
  while (!in.empty() && !w->closed) {
    const auto part = in.first(std::min(in.size(), piece_size));
    in = in.subspan(part.size());
    if (w->handlers.on_data) w->handlers.on_data(part);
    reactor.run();
    while (!held.empty()) {
      auto to = std::move(held.front());
      held.pop_front();
      to.respond(http_response::of(200, "text/plain", "later"));
      reactor.run();
    }
  }
  if (w->paused && !w->closed) std::abort(); // everything was answered
  o.closed = w->closed;
  w->handlers = {};
  return o;
}

constexpr std::string_view handshake =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  bytes in;
  if ((data[0] & 1) != 0) append(in, as_bytes(handshake));
  append(in, byte_view(data + 1, size - 1));
  const bool later = (data[0] & 2) != 0;
  const auto whole = run(in, 65536, later);
  if (run(in, 7, !later) != whole) std::abort();
  return 0;
}
