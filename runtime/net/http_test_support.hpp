// A server and clients in one simulated world, for the tests of HTTP: what is sent and what came
// back, as text.
#pragma once

#include "runtime/net/http_server.hpp"
#include "runtime/net/simulated.hpp"

#include <deque>
#include <map>
#include <optional>

namespace kith::net::test {

using namespace std::chrono_literals;

// A response as a client reads it.
struct answer {
  int status = 0;
  std::map<std::string, std::string> headers; // names in lower case
  std::string body;
  bool whole = false;
};

inline std::string lowered(std::string text) {
  for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Takes the chunks from the front of `text`; whether the last one was there.
inline bool take_chunks(std::string& text, std::string& body) {
  for (;;) {
    const auto line = text.find("\r\n");
    if (line == text.npos) return false;
    const auto size = std::stoul(text.substr(0, line), nullptr, 16);
    if (text.size() < line + 2 + size + 2) return false;
    body += text.substr(line + 2, size);
    text.erase(0, line + 2 + size + 2);
    if (size == 0) return true;
  }
}

// All responses in `text`; `to_head` for those to a HEAD, which have no body.
inline std::vector<answer> answers_in(std::string text, bool to_head = false) {
  std::vector<answer> out;
  for (;;) {
    const auto end = text.find("\r\n\r\n");
    if (end == text.npos) return out;
    answer a;
    std::string head = text.substr(0, end + 2);
    text.erase(0, end + 4);
    a.status = std::stoi(head.substr(9, 3));
    for (auto at = head.find("\r\n") + 2; at < head.size();) {
      const auto next = head.find("\r\n", at);
      const auto colon = head.find(':', at);
      a.headers[lowered(head.substr(at, colon - at))] = head.substr(colon + 2, next - colon - 2);
      at = next + 2;
    }
    a.whole = true;
    if (a.headers.count("transfer-encoding") != 0 && !to_head) {
      a.whole = take_chunks(text, a.body);
    } else if (a.headers.count("content-length") != 0 && !to_head) {
      const auto size = std::stoul(a.headers["content-length"]);
      a.whole = text.size() >= size;
      a.body = text.substr(0, size);
      text.erase(0, size);
    }
    out.push_back(a);
    if (!a.whole) return out;
  }
}

struct client {
  std::unique_ptr<byte_stream> stream;
  std::string got;
  std::string end; // why the connection is over
  bool reads = true;

  void send(std::string_view text) { stream->write(to_bytes(as_bytes(text))); }
  bool over() const { return !end.empty(); }
  std::vector<answer> answers() const { return answers_in(got); }
};

struct world {
  explicit world(http_options options = {}, std::uint64_t seed = 7, bool start = true)
      : net(clock, seed) {
    options.on_refused = [this](int status, std::string_view why) {
      refused.emplace_back(status, std::string(why));
    };
    server.emplace(net.reactor_of("server"), clock, std::move(options),
                   [this](http_request request, http_responder responder) {
                     seen.push_back(request);
                     handler(std::move(request), std::move(responder));
                   });
    if (!start) return;
    port = *net.network_of("server").listen("0.0.0.0:80", [this](std::unique_ptr<byte_stream> s) {
      server->adopt(std::move(s), secure);
    });
  }

  // A connected client.
  client& connect(const std::string& from = "client", bool reads = true) {
    client& c = clients.emplace_back();
    c.reads = reads;
    net.network_of(from).connect("server:80", 5s, [&c](auto s) {
      if (!s) return void(c.end = s.error().code);
      c.stream = std::move(*s);
      c.stream->start({[&c](byte_view b) { c.got += as_text(b); },
                       {},
                       [&c](const error& e) { c.end = e.code; }});
      if (!c.reads) c.stream->pause_reading();
    });
    net.run_until([&c] { return c.stream || c.over(); }, 10s);
    return c;
  }
  client& ask(std::string_view text) {
    client& c = connect();
    c.send(text);
    return c;
  }
  void run(duration span = 100ms) { net.run_for(span); }
  bool was_refused(int status, const std::string& why) const {
    for (const auto& r : refused)
      if (r.first == status && r.second == why) return true;
    return false;
  }

  manual_clock clock;
  simulated_network net;
  std::vector<http_request> seen;
  std::vector<http_responder> held;
  std::vector<std::pair<int, std::string>> refused;
  bool secure = false;
  // Says the target; tests put others in its place.
  http_handler handler = [](http_request request, http_responder responder) {
    responder.respond(http_response::of(200, "text/plain", request.target));
  };
  std::deque<client> clients;
  std::optional<http_server> server;
  std::unique_ptr<listener> port;
};

inline std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: kith\r\n\r\n";
}

} // namespace kith::net::test
